CREATE TABLE t (id INT, k STRING, v INT, p INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'in.jsonl', 'changelog' = 'upsert');
SELECT id, k, v, p, SUM(v) OVER (PARTITION BY k ORDER BY p) AS s FROM t;
