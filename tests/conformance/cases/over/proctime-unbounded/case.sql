CREATE TABLE t (k STRING, v INT, d DOUBLE, s STRING, pt AS PROCTIME()) WITH ('connector' = 'case', 'input' = '../../../inputs/events.jsonl');
SELECT k, v, COUNT(*) OVER w AS n, SUM(v) OVER w AS s, MAX(s) OVER w AS m FROM t WINDOW w AS (PARTITION BY k ORDER BY pt);
