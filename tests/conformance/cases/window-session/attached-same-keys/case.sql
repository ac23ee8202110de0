CREATE TABLE t (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '10' SECOND) WITH ('connector' = 'case', 'input' = 'in.jsonl');

SELECT window_start, window_end, k, COUNT(*) AS n, SUM(v) AS s FROM (
  SELECT * FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '10' SECOND)) WHERE window_end > TIMESTAMP '2024-01-01 00:00:30'
) GROUP BY window_start, window_end, k;
