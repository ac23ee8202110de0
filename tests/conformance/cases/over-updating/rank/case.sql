CREATE TABLE t (id INT, k STRING, v INT, p INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, k, p, RANK() OVER (PARTITION BY k ORDER BY p) AS n, DENSE_RANK() OVER (PARTITION BY k ORDER BY p) AS dn FROM t;
