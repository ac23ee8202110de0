CREATE TABLE t (id INT, s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, UNIX_TIMESTAMP(s) AS f1,
  UNIX_TIMESTAMP(s, 'yyyy-MM-dd HH:mm:ss.SSS X') AS f2,
  UNIX_TIMESTAMP(s, 'yyyy-MM-dd HH:mm:ss.SSS') AS f3
FROM t;
