SET 'table.local-time-zone' = 'Europe/Berlin';
CREATE TABLE t (k STRING, v INT, ts TIMESTAMP_LTZ(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT TUMBLE_START(ts, INTERVAL '1' DAY) AS ws, TUMBLE_END(ts, INTERVAL '1' DAY) AS we, SUM(v) AS s FROM t GROUP BY TUMBLE(ts, INTERVAL '1' DAY);
