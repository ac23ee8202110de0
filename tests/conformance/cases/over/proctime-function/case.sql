CREATE TABLE t (k STRING, v INT, d DOUBLE, s STRING, pt AS PROCTIME()) WITH ('connector' = 'case', 'input' = '../../../inputs/events.jsonl');
SELECT k, v, COUNT(*) OVER (PARTITION BY k ORDER BY PROCTIME() ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS l FROM t;
