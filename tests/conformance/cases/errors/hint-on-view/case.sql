CREATE TABLE t (a INT, b STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');
CREATE VIEW v AS SELECT a FROM t;
SELECT a FROM v /*+ OPTIONS('input' = 'other.jsonl') */;
