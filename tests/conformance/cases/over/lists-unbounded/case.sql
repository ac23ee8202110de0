CREATE TABLE t (k STRING, v INT, d DOUBLE, s STRING, c DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/events.jsonl');
SELECT k, v, ts, LISTAGG(s, '-') OVER w AS l, ARRAY_AGG(v) OVER w AS a FROM t WINDOW w AS (PARTITION BY k ORDER BY ts);
