CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
CREATE TABLE s (k INT, name STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/s.jsonl');
SELECT l.id, b.w, c.name FROM l, LATERAL (SELECT * FROM r WHERE r.k = l.k) AS b, LATERAL (SELECT * FROM s WHERE s.k = b.k) AS c;
