CREATE TABLE t (k STRING, v INT, d DOUBLE, s STRING, c DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/events.jsonl');
SELECT k, ts, SUM(d) OVER w AS sd, AVG(d) OVER w AS ad, SUM(c) OVER w AS sc, AVG(c) OVER w AS ac, MIN(d) OVER w AS md, MAX(s) OVER w AS ms FROM t WINDOW w AS (PARTITION BY k ORDER BY ts ROWS BETWEEN 2 PRECEDING AND CURRENT ROW);
