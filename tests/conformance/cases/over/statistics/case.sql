CREATE TABLE t (k STRING, v INT, d DOUBLE, s STRING, c DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/events.jsonl');
SELECT k, v, ts, STDDEV_POP(v) OVER w AS sp, VAR_POP(v) OVER w AS vp, VAR_SAMP(v) OVER w AS vs FROM t WINDOW w AS (PARTITION BY k ORDER BY ts ROWS BETWEEN 2 PRECEDING AND CURRENT ROW);
