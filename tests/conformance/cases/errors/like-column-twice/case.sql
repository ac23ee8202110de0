CREATE TABLE base (a INT, b STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');
CREATE TABLE t (b STRING) LIKE base;
SELECT * FROM t;
