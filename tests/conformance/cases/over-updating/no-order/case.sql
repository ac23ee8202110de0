CREATE TABLE t (id INT, k STRING, v INT, p INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, k, p, SUM(v) OVER (PARTITION BY k) AS n FROM t;
