CREATE TABLE t (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT window_start, SUM(v) AS s FROM TABLE(TUMBLE((SELECT * FROM t WHERE v < 100), DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
