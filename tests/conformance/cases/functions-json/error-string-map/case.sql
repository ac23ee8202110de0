CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, JSON_STRING(MAP[id, 2]) AS f1 FROM t;
