CREATE TABLE t (k STRING, v INT, d DOUBLE, s STRING, c DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/events.jsonl');
SELECT k, v, ts, FIRST_VALUE(v) OVER w AS f, LAST_VALUE(v) OVER w AS l, LAST_VALUE(s) OVER w AS fs FROM t WINDOW w AS (PARTITION BY k ORDER BY ts);
