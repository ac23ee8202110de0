CREATE TABLE t (a INT, b DOUBLE, d DATE, s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT a, b, d, s, GREATEST(a, 0) AS f1,
  LEAST(a, 0, -3) AS f2,
  GREATEST(a, b) AS f3,
  LEAST(b, a) AS f4,
  GREATEST(d, DATE '2000-01-01') AS f5,
  LEAST(s, 'aa', 'B') AS f6
FROM t;
