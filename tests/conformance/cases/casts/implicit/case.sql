CREATE TABLE t (b TINYINT, i INT, l BIGINT, f FLOAT, d DOUBLE, c DECIMAL(10, 2), dt DATE, ts TIMESTAMP(3)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT b + i AS f1,
  i + l AS f2,
  l + f AS f3,
  i + d AS f4,
  i + c AS f5,
  c + d AS f6,
  c + f AS f7,
  b = l AS f8,
  c > i AS f9,
  f * d AS f11,
  l / c AS f12,
  i * c AS f13,
  b / i AS f14
FROM t;
