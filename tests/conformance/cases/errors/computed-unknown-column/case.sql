CREATE TABLE t (a INT, b AS c + 1) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');
SELECT * FROM t;
