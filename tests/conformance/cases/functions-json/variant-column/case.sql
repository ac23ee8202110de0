CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, TRY_PARSE_JSON(j) AS f1, TYPEOF(TRY_PARSE_JSON(j)) AS f2 FROM t;
