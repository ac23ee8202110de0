SET 'table.exec.emit.early-fire.enabled' = 'true';
SET 'table.exec.emit.early-fire.delay' = '0 s';
CREATE TABLE t (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT TUMBLE_START(ts, INTERVAL '10' SECOND) AS ws, TUMBLE_END(ts, INTERVAL '10' SECOND) AS we, MIN(v) AS lo, MAX(v) AS hi, COUNT(DISTINCT k) AS dk, AVG(v) AS a, LISTAGG(k) AS l FROM t GROUP BY TUMBLE(ts, INTERVAL '10' SECOND);
