CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT JSON_STRING(CAST('NaN' AS DOUBLE)) AS f1,
  JSON_ARRAY(id, CAST('Infinity' AS DOUBLE)) AS f2,
  JSON_OBJECT('a' VALUE CAST('-Infinity' AS DOUBLE)) AS f3
FROM t;
