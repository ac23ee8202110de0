CREATE TABLE t (a STRING, b STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT a AS f1,
  b AS f2,
  a < b AS f3,
  a <= b AS f4,
  a = b AS f5,
  a >= b AS f6,
  a > b AS f7,
  a <> b AS f8,
  GREATEST(a, b) AS f9,
  LEAST(a, b) AS f10,
  a BETWEEN 'B' AND b AS f11
FROM t;
