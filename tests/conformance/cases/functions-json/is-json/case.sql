CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, j IS JSON AS f1,
  j IS JSON VALUE AS f2,
  j IS JSON SCALAR AS f3,
  j IS JSON ARRAY AS f4,
  j IS JSON OBJECT AS f5,
  j IS NOT JSON AS f6,
  j IS NOT JSON OBJECT AS f7
FROM t;
