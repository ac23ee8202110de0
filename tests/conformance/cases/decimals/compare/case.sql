CREATE TABLE t (a DECIMAL(5, 2), b DECIMAL(10, 5), d DOUBLE) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT a, b, d, a = b AS f1,
  a < b AS f2,
  a = d AS f3,
  b >= 1 AS f4,
  a IN (1.5, 0.1) AS f5,
  COALESCE(a, b) AS f7,
  NULLIF(a, b) AS f8
FROM t;
