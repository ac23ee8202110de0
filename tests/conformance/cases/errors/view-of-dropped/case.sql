CREATE TABLE t (a INT, b STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');

CREATE VIEW v AS SELECT a FROM t;
DROP TABLE t;
SELECT * FROM v;
