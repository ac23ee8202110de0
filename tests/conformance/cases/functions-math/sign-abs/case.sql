CREATE TABLE t (id INT, d DOUBLE, i INT, c DECIMAL(10, 2)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, ABS(d) AS f1,
  ABS(i) AS f2,
  ABS(c) AS f3,
  SIGN(d) AS f4,
  SIGN(i) AS f5,
  SIGN(c) AS f6,
  -c AS f7,
  MOD(i, 3) AS f8,
  MOD(c, 0.4) AS f9,
  i % 4 AS f10,
  MOD(i, CAST(-4 AS BIGINT)) AS f11
FROM t;
