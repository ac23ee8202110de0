CREATE TABLE t (s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s > 9.5 AS f1,
  9.5 < s AS f2,
  s < CAST(9.5 AS DECIMAL(3, 1)) AS f3,
  s > 9.5e0 AS f4,
  s BETWEEN 9.4 AND 9.51 AS f5
FROM t;
