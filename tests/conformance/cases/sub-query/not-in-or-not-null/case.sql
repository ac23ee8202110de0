CREATE TABLE l (id INT NOT NULL, k INT NOT NULL, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l-nn.jsonl');
CREATE TABLE r (id INT NOT NULL, k INT NOT NULL, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r-nn.jsonl');
SELECT id, v FROM l WHERE k NOT IN (SELECT k FROM r) OR v = 'a';
