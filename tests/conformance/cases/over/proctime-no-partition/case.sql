CREATE TABLE t (k STRING, v INT, d DOUBLE, s STRING, pt AS PROCTIME()) WITH ('connector' = 'case', 'input' = '../../../inputs/events.jsonl');
SELECT k, v, SUM(v) OVER (ORDER BY pt ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS s FROM t;
