CREATE TABLE t (id INT, k STRING, v INT, p INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, k, v, p, COUNT(DISTINCT v) OVER (PARTITION BY k ORDER BY p) AS s FROM t;
