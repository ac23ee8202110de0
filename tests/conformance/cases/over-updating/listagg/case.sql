CREATE TABLE t (id INT, k STRING, v INT, p INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, k, p, LISTAGG(CAST(id AS STRING)) OVER (PARTITION BY k ORDER BY p) AS f FROM t;
