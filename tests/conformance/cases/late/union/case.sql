CREATE TABLE t (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' HOUR) WITH ('connector' = 'case', 'input' = 'in.jsonl');
CREATE TEMPORARY VIEW both_sides AS SELECT k, v, ts FROM t WHERE v < 5 UNION ALL SELECT k, v * 10, ts FROM t WHERE v >= 5;
SELECT window_start, SUM(v) AS s FROM TABLE(TUMBLE(TABLE both_sides, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
