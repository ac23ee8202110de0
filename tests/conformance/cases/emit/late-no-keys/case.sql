SET 'table.exec.emit.late-fire.enabled' = 'true';
SET 'table.exec.emit.late-fire.delay' = '0 s';
SET 'table.exec.emit.allow-lateness' = '20 s';
CREATE TABLE t (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT TUMBLE_START(ts, INTERVAL '10' SECOND) AS ws, SUM(v) AS s FROM t GROUP BY TUMBLE(ts, INTERVAL '10' SECOND);
