CREATE TABLE t (k STRING, v INT, d DOUBLE, s STRING, c DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/events.jsonl');
SELECT k, v, s2 FROM (SELECT k, v, SUM(v) OVER (PARTITION BY k ORDER BY ts) AS s2 FROM t) WHERE s2 > 10;
