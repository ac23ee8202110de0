CREATE TABLE t (s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s AS f1,
  URL_ENCODE(s) AS f2,
  URL_DECODE(s) AS f3
FROM t;
