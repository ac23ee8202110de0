CREATE TABLE t (s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT CAST(s AS INT) AS f1
FROM t;
