CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l-changes.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r-changes.jsonl');
SELECT id, v FROM l WHERE k IN (SELECT k FROM r) OR v = 'e';
