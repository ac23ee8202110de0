CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, JSON_VALUE(j, 'lax $.zz' ERROR ON EMPTY) AS f1 FROM t;
