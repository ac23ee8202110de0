CREATE TABLE t (a INT, b BIGINT, s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT a, b, s, COALESCE(a, b, -1) AS f1,
  COALESCE(a, b) AS f2,
  COALESCE(s, 'none') AS f3,
  IFNULL(a, 0) AS f4,
  IFNULL(a, b) AS f5,
  NULLIF(a, b) AS f6,
  NULLIF(s, '') AS f7,
  IF(a > 1, 'big', 'small') AS f8,
  IF(s = '', a, b) AS f9,
  COALESCE(CAST(NULL AS INT), NULL, 3) AS f10
FROM t;
