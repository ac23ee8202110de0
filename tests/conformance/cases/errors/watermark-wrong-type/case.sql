CREATE TABLE t (a INT, ts STRING, WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');
SELECT * FROM t;
