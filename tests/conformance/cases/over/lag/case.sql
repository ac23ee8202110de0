CREATE TABLE t (k STRING, v INT, d DOUBLE, s STRING, c DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/events.jsonl');
SELECT k, v, ts, LAG(v) OVER (PARTITION BY k ORDER BY ts) AS l1, LAG(v, 2) OVER (PARTITION BY k ORDER BY ts) AS l2, LAG(v, 2, v) OVER (PARTITION BY k ORDER BY ts) AS l3, LAG(v, 0) OVER (PARTITION BY k ORDER BY ts) AS l0 FROM t;
