CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, JSON_EXISTS(j, 'strict $.zz' ERROR ON ERROR) AS f1 FROM t;
