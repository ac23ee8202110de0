CREATE VIEW v AS SELECT 1 AS a;
CREATE TABLE t WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl') LIKE v;
SELECT * FROM t;
