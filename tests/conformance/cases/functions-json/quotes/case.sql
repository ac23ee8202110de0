CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, JSON_QUOTE(j) AS f1, JSON_UNQUOTE(j) AS f2, JSON_UNQUOTE(JSON_QUOTE(j)) AS f3 FROM t;
