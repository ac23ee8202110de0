CREATE TABLE t (id INT, k STRING, v INT, p INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, k, v, p, SUM(v) OVER (PARTITION BY k ORDER BY p ASC NULLS LAST) AS s FROM t;
