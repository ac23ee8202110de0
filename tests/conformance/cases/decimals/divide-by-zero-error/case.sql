CREATE TABLE t (a DECIMAL(5, 2), b DECIMAL(5, 2)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT a / b AS f1
FROM t;
