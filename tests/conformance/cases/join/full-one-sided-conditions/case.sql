CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
SELECT l.id, l.v, r.id AS rid, r.w FROM l FULL JOIN r ON l.k = r.k AND l.id > 1 AND r.w <> 'y';
