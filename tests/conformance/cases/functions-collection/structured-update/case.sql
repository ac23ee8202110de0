CREATE TABLE t (id INT, s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT OBJECT_UPDATE(OBJECT_OF('com.example.User', 'id', id), 'id', 7).id AS f1,
  OBJECT_OF('com.example.User', 'id', id) IS NULL AS f2,
  OBJECT_OF('com.example.User', 'id', 5).id AS f3
FROM t;
