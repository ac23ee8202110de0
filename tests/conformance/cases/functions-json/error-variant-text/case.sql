CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, JSON_STRING(PARSE_JSON(SUBSTRING(j, 3))) AS f1 FROM t;
