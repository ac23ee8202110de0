CREATE TABLE t (id INT, k STRING, v INT, p INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, v, p, SUM(v) OVER (ORDER BY p) AS s FROM t;
