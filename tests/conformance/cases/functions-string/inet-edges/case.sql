CREATE TABLE t (s STRING, n BIGINT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s AS f1,
  n AS f2,
  INET_ATON(s) AS f3,
  INET_NTOA(n) AS f4
FROM t;
