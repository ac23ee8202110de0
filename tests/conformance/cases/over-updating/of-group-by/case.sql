CREATE TABLE t (id INT, k STRING, v INT, p INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT k, n, SUM(n) OVER (ORDER BY n) AS s FROM (SELECT k, COUNT(*) AS n FROM t GROUP BY k);
