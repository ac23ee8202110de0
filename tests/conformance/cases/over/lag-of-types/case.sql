CREATE TABLE t (k STRING, v INT, d DOUBLE, s STRING, c DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/events.jsonl');
SELECT k, ts, LAG(d) OVER (PARTITION BY k ORDER BY ts) AS d, LAG(c) OVER (PARTITION BY k ORDER BY ts) AS c, LAG(ts) OVER (PARTITION BY k ORDER BY ts) AS lts FROM t;
