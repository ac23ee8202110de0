CREATE TABLE t (id INT, s STRING, n BIGINT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, INET_ATON(s) AS f1,
  INET_NTOA(n) AS f2
FROM t;
