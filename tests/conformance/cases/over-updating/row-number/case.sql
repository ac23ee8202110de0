CREATE TABLE t (id INT, k STRING, v INT, p INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, k, p, ROW_NUMBER() OVER (PARTITION BY k ORDER BY p) AS n FROM t;
