CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT NOT NULL, k INT NOT NULL, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r-nn.jsonl');
SELECT id, k IN (SELECT k FROM r) AS found FROM l;
