CREATE TABLE l (id INT NOT NULL, k INT NOT NULL, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l-nn.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
SELECT id, k IN (SELECT k FROM r) AS found FROM l;
