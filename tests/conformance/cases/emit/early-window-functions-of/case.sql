SET 'table.exec.emit.early-fire.enabled' = 'true';
SET 'table.exec.emit.early-fire.delay' = '0 s';
CREATE TABLE t (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT window_start, SUM(s) AS s FROM TABLE(TUMBLE((SELECT TUMBLE_ROWTIME(ts, INTERVAL '10' SECOND) AS wt, SUM(v) AS s FROM t GROUP BY TUMBLE(ts, INTERVAL '10' SECOND)), DESCRIPTOR(wt), INTERVAL '20' SECOND)) GROUP BY window_start, window_end;
