CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
SELECT l.id, r.id AS rid FROM l FULL JOIN r ON l.k = r.k AND l.v = CASE r.w WHEN 'x' THEN 'a' WHEN 'y' THEN 'b' WHEN 'u' THEN 'f' END;
