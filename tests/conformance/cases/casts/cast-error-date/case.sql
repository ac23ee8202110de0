CREATE TABLE t (s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT CAST(s AS DATE) AS f1
FROM t;
