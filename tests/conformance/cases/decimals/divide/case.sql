CREATE TABLE t (c1 DECIMAL(10, 2), c2 DECIMAL(5, 4), c3 DECIMAL(38, 18), c4 DECIMAL(38, 0)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT c1 / c2 AS f1,
  c2 / c1 AS f2,
  c1 / 3 AS f3,
  c3 / c2 AS f4,
  1 / c1 AS f5,
  c1 % c2 AS f6,
  MOD(c1, 7) AS f7,
  c4 / 3 AS f8
FROM t;
