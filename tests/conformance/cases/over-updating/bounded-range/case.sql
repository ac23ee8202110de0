CREATE TABLE t (id INT, k STRING, v INT, p INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, k, p, SUM(v) OVER (PARTITION BY k ORDER BY p RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) AS n FROM t;
