CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
CREATE TABLE s (k INT, name STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/s.jsonl');
SELECT id, v FROM l WHERE EXISTS (SELECT 1 FROM r WHERE r.k = l.k) OR k IN (SELECT k FROM s);
