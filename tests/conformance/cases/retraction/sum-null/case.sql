CREATE TABLE t (k STRING, v INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT k, SUM(v) AS s, COUNT(v) AS n, COUNT(*) AS c, AVG(v) AS a FROM t GROUP BY k;
