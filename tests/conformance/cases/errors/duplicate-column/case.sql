CREATE TABLE t (a INT, a STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');
SELECT * FROM t;
