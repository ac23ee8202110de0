CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, JSON_QUERY(j, '$.a' RETURNING ARRAY<STRING> EMPTY OBJECT ON ERROR) AS f1 FROM t;
