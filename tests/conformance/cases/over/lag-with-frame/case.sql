CREATE TABLE t (k STRING, v INT, d DOUBLE, s STRING, c DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/events.jsonl');
SELECT k, v, ts, LAG(v) OVER (PARTITION BY k ORDER BY ts ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS l1 FROM t;
