CREATE TABLE t (k STRING, c DECIMAL(10, 2)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT k, SUM(c) AS s, AVG(c) AS a, MIN(c) AS lo FROM t GROUP BY k;
