CREATE TABLE t (a INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
CREATE TEMPORARY TABLE t (b STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
CREATE VIEW v AS SELECT b FROM t;
DROP VIEW v;
DROP TEMPORARY TABLE t;
SELECT * FROM t;
