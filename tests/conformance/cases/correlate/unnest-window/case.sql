CREATE TABLE t (id INT, a ARRAY<STRING>, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 'in.jsonl');
CREATE TEMPORARY VIEW words AS SELECT w, ts FROM t CROSS JOIN UNNEST(a) AS u (w);
SELECT window_start, w, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE words, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, w;
