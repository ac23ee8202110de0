CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
CREATE TABLE s (k INT, name STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/s.jsonl');
SELECT l.id, r.id AS rid, s.name FROM l, r, s WHERE l.k = r.k AND s.k = r.k AND l.id <> 2;
