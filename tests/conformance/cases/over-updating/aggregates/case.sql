CREATE TABLE t (id INT, k STRING, v INT, p INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, k, COUNT(*) OVER w AS n, COUNT(v) OVER w AS nv, MIN(v) OVER w AS lo, MAX(v) OVER w AS hi, AVG(v) OVER w AS a FROM t WINDOW w AS (PARTITION BY k ORDER BY p);
