CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, JSON_STRING(DATE '2024-01-01') AS f1 FROM t;
