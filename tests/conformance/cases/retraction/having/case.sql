CREATE TABLE t (k STRING, v INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT k, COUNT(*) AS n FROM t GROUP BY k HAVING COUNT(*) > 1;
