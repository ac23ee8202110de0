CREATE TABLE t (k STRING, v INT, d DOUBLE, s STRING, c DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/events.jsonl');
SELECT k, v, ts, COUNT(*) FILTER (WHERE v > 3) OVER w AS n, SUM(v) FILTER (WHERE s = 'x') OVER w AS s2 FROM t WINDOW w AS (PARTITION BY k ORDER BY ts);
