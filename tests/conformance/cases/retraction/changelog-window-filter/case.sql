CREATE TABLE t (id INT, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'case', 'input' = 'in.jsonl', 'changelog' = 'all');
SELECT window_start, COUNT(*) AS n, SUM(v) AS s FROM (SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) WHERE window_start > TIMESTAMP '2020-01-01 00:00:00' AND v > 10) GROUP BY window_start, window_end;
