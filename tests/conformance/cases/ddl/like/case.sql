CREATE TABLE base (a INT, b STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
CREATE TABLE t (c AS a * 2) LIKE base;
SELECT * FROM t;
