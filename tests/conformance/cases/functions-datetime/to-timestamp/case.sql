CREATE TABLE t (id INT, s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, TO_TIMESTAMP(s) AS f1,
  TO_TIMESTAMP(s, 'yyyy-MM-dd HH:mm:ss') AS f2,
  TO_TIMESTAMP(s, 'dd.MM.yyyy HH:mm') AS f3,
  TO_TIMESTAMP(s, 'yyyy-MM-dd''T''HH:mm:ss') AS f4,
  TO_DATE(s) AS f5,
  TO_DATE(s, 'dd.MM.yyyy HH:mm') AS f6
FROM t;
