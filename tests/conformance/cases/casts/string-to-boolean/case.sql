CREATE TABLE t (s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s, TRY_CAST(s AS BOOLEAN) AS f1
FROM t;
