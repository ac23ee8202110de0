CREATE TABLE t (k STRING, v INT, d DOUBLE, s STRING, pt AS PROCTIME()) WITH ('connector' = 'case', 'input' = '../../../inputs/events.jsonl');
SELECT k, v, COUNT(*) OVER w AS n, SUM(v) OVER w AS s, MIN(v) OVER w AS lo, MAX(d) OVER w AS hi FROM t WINDOW w AS (PARTITION BY k ORDER BY pt ROWS BETWEEN 2 PRECEDING AND CURRENT ROW);
