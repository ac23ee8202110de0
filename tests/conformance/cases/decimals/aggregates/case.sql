CREATE TABLE t (k STRING, c DECIMAL(10, 2), w DECIMAL(38, 10)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT k, SUM(c) AS s, AVG(c) AS a, MIN(c) AS lo, MAX(c) AS hi, COUNT(DISTINCT c) AS n, SUM(w) AS sw, AVG(w) AS aw, SUM(c * 1.1) AS s11, STDDEV_POP(c) AS sd FROM t GROUP BY k;
