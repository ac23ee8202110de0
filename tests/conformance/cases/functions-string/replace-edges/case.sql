CREATE TABLE t (s STRING, p STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT REPLACE(s, p, '-') AS f1,
  REPLACE(s, '', '') AS f2,
  REPLACE(s, p, CAST(NULL AS STRING)) AS f3,
  REPLACE('', '', 'x') AS f4,
  TRANSLATE(s, 'a😀', '😀b') AS f5,
  TRANSLATE(s, p, '') AS f6,
  OVERLAY(s PLACING '--' FROM 0) AS f7,
  OVERLAY(s PLACING '--' FROM 4) AS f8,
  OVERLAY(s PLACING '--' FROM -1 FOR 2) AS f9
FROM t;
