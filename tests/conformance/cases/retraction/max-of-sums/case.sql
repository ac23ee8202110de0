CREATE TABLE t (k STRING, v INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT MAX(s) AS hi, MIN(s) AS lo, COUNT(*) AS n, SUM(s) AS total FROM (SELECT k, SUM(v) AS s FROM t GROUP BY k) AS x;
