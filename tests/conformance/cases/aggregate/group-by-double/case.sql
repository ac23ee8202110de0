CREATE TABLE t (d DOUBLE) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT d, COUNT(*) AS n FROM t GROUP BY d;
