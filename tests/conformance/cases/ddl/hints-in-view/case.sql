CREATE TABLE t (a INT, b STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
CREATE VIEW v AS SELECT a * 10 AS a FROM t /*+ options('input' = 'other.jsonl') */ AS x WHERE x.a > 1;
SELECT a FROM v;
