CREATE TABLE t (id INT, a ARRAY<INT>, b ARRAY<INT>) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, ARRAY_APPEND(a, 9) AS f1,
  ARRAY_PREPEND(a, 9) AS f2,
  ARRAY_CONCAT(a, b) AS f3,
  ARRAY_UNION(a, b) AS f4,
  ARRAY_INTERSECT(a, b) AS f5,
  ARRAY_EXCEPT(a, b) AS f6,
  ARRAY_APPEND(a, CAST(NULL AS INT)) AS f7,
  ARRAY_CONCAT(a, b, a) AS f8
FROM t;
