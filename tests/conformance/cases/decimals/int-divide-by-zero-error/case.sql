CREATE TABLE t (a INT, b INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT a / b AS error_
FROM t;
