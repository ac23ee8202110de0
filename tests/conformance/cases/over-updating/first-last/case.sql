CREATE TABLE t (id INT, k STRING, v INT, p INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, k, v, p, FIRST_VALUE(v) OVER (PARTITION BY k ORDER BY p) AS f, LAST_VALUE(v) OVER (PARTITION BY k ORDER BY p) AS l FROM t;
