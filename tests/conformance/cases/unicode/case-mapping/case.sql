CREATE TABLE t (s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s, UPPER(s) AS f1,
  LOWER(s) AS f2,
  INITCAP(s) AS f3,
  LOWER(UPPER(s)) = LOWER(s) AS f4
FROM t;
