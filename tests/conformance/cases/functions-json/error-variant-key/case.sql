CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, JSON_STRING(PARSE_JSON(j)['i']['x']) AS f1 FROM t;
