CREATE TABLE t (a INT) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl') LIKE nothing;
SELECT * FROM t;
