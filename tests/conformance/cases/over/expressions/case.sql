CREATE TABLE t (k STRING, v INT, d DOUBLE, s STRING, c DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/events.jsonl');
SELECT UPPER(k) AS u, v, SUM(v * 2) OVER (PARTITION BY UPPER(k) ORDER BY ts) + 1 AS s, COALESCE(SUM(v) OVER (PARTITION BY UPPER(k) ORDER BY ts), 0) * 10 AS z FROM t WHERE v IS NOT NULL;
