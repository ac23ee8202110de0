CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
CREATE TABLE s (k INT, name STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/s.jsonl');
SELECT k FROM l EXCEPT SELECT k FROM r INTERSECT SELECT k FROM s;
