CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT JSON_ARRAY(CAST('NaN' AS FLOAT), id) AS f1 FROM t;
