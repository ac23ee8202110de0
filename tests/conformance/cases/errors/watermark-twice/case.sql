CREATE TABLE t (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');
SELECT id FROM t;
