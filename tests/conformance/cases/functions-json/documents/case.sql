CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, j IS JSON AS f1,
  j IS JSON SCALAR AS f2,
  JSON_QUERY(j, 'lax $' WITH UNCONDITIONAL WRAPPER) AS f3,
  JSON_QUERY(j, 'lax $') AS f4,
  JSON_VALUE(j, '$') AS f5,
  JSON_EXISTS(j, 'lax $') AS f6,
  JSON_UNQUOTE(j) AS f7
FROM t;
