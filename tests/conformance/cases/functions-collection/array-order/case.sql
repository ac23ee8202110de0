CREATE TABLE t (id INT, a ARRAY<INT>, s ARRAY<STRING>) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, ARRAY_MAX(a) AS f1,
  ARRAY_MIN(a) AS f2,
  ARRAY_MAX(s) AS f3,
  ARRAY_SORT(a) AS f4,
  ARRAY_SORT(a, FALSE) AS f5,
  ARRAY_SORT(a, TRUE, FALSE) AS f6,
  ARRAY_SLICE(a, 2) AS f7,
  ARRAY_SLICE(a, 2, 3) AS f8,
  ARRAY_SLICE(a, -2, -1) AS f9,
  ARRAY_SLICE(a, 0, 1) AS f10,
  ARRAY_JOIN(s, ',') AS f11,
  ARRAY_JOIN(s, '-', '*') AS f12,
  ARRAY_SORT(s) AS f13,
  ARRAY_SLICE(a, 3, 2) AS f14
FROM t;
