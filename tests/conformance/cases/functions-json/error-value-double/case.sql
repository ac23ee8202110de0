CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, JSON_VALUE(j, '$.i' RETURNING DOUBLE) AS f1 FROM t;
