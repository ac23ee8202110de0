CREATE TABLE l (id INT NOT NULL, k INT NOT NULL, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l-nn.jsonl');
CREATE TABLE r (id INT NOT NULL, k INT NOT NULL, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r-nn.jsonl');
SELECT k, COUNT(*) AS n, k IN (SELECT k FROM r) AS found FROM l GROUP BY k;
