CREATE TABLE t (a INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');
SELECT * FROM t;
