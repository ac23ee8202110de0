CREATE TABLE t (a INT) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl', 'speed' = '9');
SELECT * FROM t;
