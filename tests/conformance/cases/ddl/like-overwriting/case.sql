CREATE TABLE base (a INT, c AS a * 2, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 'in.jsonl');
CREATE TABLE t (c AS a * 3, WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE)
WITH ('input' = 'in.jsonl')
LIKE base (OVERWRITING GENERATED OVERWRITING WATERMARKS);
SELECT window_start, SUM(c) AS s FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
