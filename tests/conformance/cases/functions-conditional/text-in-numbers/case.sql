CREATE TABLE t (s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s IN (9, 10) AS f1,
  s NOT IN (9, 10) AS f2
FROM t;
