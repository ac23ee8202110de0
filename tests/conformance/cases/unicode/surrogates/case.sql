CREATE TABLE t (s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s, CHAR_LENGTH(s) AS f1,
  SUBSTRING(s FROM 2) AS f2,
  REVERSE(s) AS f3,
  LPAD(s, 5, '😎') AS f4,
  POSITION('b' IN s) AS f5,
  LEFT(s, 1) AS f6,
  RIGHT(s, 1) AS f7,
  ASCII(s) AS f8,
  REPLACE(s, '😀', '-') AS f9,
  OVERLAY(s PLACING 'x' FROM 1 FOR 1) AS f10,
  s LIKE '_' AS f11,
  REGEXP_REPLACE(s, '.', '.') AS f12
FROM t;
