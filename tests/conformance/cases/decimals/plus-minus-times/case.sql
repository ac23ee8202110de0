CREATE TABLE t (c1 DECIMAL(10, 2), c2 DECIMAL(5, 4), c3 DECIMAL(38, 18), c4 DECIMAL(38, 0)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT c1 + c2 AS f1,
  c1 - c2 AS f2,
  c1 * c2 AS f3,
  c3 + c4 AS f4,
  c3 * c2 AS f5,
  c4 * c4 AS f6,
  c4 + 1 AS f7,
  c1 * 2 AS f8,
  c3 - c3 AS f9,
  -c1 AS f10
FROM t;
