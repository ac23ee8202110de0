CREATE TABLE t (id INT, s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT OBJECT_OF('com.example.User', 'id', id, 'name', s).name AS f1 FROM t;
