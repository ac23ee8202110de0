CREATE TABLE t (id INT, ts TIMESTAMP(3)) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');
SELECT id, SOURCE_WATERMARK() FROM t;
