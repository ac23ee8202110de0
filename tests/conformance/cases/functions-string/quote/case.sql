CREATE TABLE t (id INT, s STRING, p STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, JSON_QUOTE(s) AS f1,
  JSON_UNQUOTE(JSON_QUOTE(s)) AS f2,
  JSON_UNQUOTE(s) AS f3,
  JSON_QUOTE(p) AS f4
FROM t;
