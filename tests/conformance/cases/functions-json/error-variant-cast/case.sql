CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, CAST(PARSE_JSON(j) AS STRING) AS f1 FROM t;
