CREATE TABLE t (id INT, s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, DATE_FORMAT(s, 'yyyy/MM/dd HH') AS f1,
  DATE_FORMAT(s, 'SSS') AS f2
FROM t;
