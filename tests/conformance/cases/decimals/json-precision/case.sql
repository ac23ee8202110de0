CREATE TABLE t (c DECIMAL(20, 10), d DECIMAL(5, 2)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT c AS f1,
  d AS f2,
  c + d AS f3,
  CAST(c AS STRING) AS f4
FROM t;
