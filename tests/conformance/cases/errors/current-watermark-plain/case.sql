CREATE TABLE t (id INT, ts TIMESTAMP(3)) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');
SELECT id, CURRENT_WATERMARK(ts) FROM t;
