CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, JSON_QUERY(j, '$') AS f1,
  JSON_QUERY(j, '$.b') AS f2,
  JSON_QUERY(j, '$.a') AS f3,
  JSON_QUERY(j, '$.a' WITH CONDITIONAL ARRAY WRAPPER) AS f4,
  JSON_QUERY(j, '$.a' WITH UNCONDITIONAL ARRAY WRAPPER) AS f5,
  JSON_QUERY(j, '$.zz' EMPTY OBJECT ON EMPTY) AS f6,
  JSON_QUERY(j, 'strict $.zz' EMPTY ARRAY ON ERROR) AS f7,
  JSON_QUERY(j, 'lax $.a[*].c') AS f8,
  JSON_QUERY(j, 'lax $.a[*].c' WITH WRAPPER) AS f9
FROM t;
