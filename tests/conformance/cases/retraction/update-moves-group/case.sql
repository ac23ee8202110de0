CREATE TABLE t (k STRING, v INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT k, COUNT(*) AS n, SUM(v) AS s FROM t GROUP BY k;
