CREATE TABLE t (id INT, d DOUBLE, i INT, c DECIMAL(10, 2)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, ROUND(d, 0) AS f1,
  ROUND(d, 2) AS f2,
  ROUND(c, 1) AS f3,
  ROUND(i, -1) AS f5,
  ROUND(c) AS f6,
  TRUNCATE(CASE WHEN d < 1e10 THEN d END, 1) AS f7,
  TRUNCATE(c, 1) AS f8,
  TRUNCATE(c) AS f9,
  TRUNCATE(i, -1) AS f10,
  CEIL(d) AS f11,
  CEILING(c) AS f12,
  FLOOR(d) AS f13,
  FLOOR(c) AS f14,
  CEIL(i) AS f15,
  FLOOR(i) AS f16
FROM t;
