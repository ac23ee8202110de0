CREATE TABLE t (id INT, s STRING, p STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, TRIM(s) AS f1,
  TRIM(BOTH 'x' FROM s) AS f2,
  TRIM(LEADING FROM s) AS f3,
  TRIM(TRAILING ' ' FROM s) AS f4,
  TRIM(LEADING 'x' FROM s) AS f5,
  LTRIM(s) AS f6,
  RTRIM(s) AS f7,
  LTRIM(s, p) AS f8,
  RTRIM(s, p) AS f9,
  BTRIM(s) AS f10,
  BTRIM(s, p) AS f11
FROM t;
