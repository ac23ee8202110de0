CREATE TABLE t (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 'in.jsonl', 'splits' = '2');
SELECT TUMBLE_START(ts, INTERVAL '10' SECOND) AS ws, SUM(v) AS s FROM t GROUP BY TUMBLE(ts, INTERVAL '10' SECOND);
