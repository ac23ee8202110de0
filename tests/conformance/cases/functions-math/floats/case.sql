CREATE TABLE t (d DOUBLE, f FLOAT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT d, f, d + f AS f1,
  d * 10 AS f2,
  d / 3 AS f3,
  f / 3 AS f4,
  CAST(d AS STRING) AS f5,
  CAST(f AS STRING) AS f6,
  CAST(f AS DOUBLE) AS f7,
  d = d AS f8,
  d > 1 AS f9,
  d = 0 AS f10,
  -d AS f11
FROM t;
