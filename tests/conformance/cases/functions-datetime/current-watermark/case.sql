CREATE TABLE t (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, ts, CURRENT_WATERMARK(ts) AS wm, CURRENT_WATERMARK(ts) IS NULL OR ts > CURRENT_WATERMARK(ts) AS in_time FROM t;
