CREATE TABLE t (k STRING, v INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s, COUNT(*) AS n FROM (SELECT k, SUM(v) AS s FROM t GROUP BY k) AS x GROUP BY s;
