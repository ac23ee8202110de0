CREATE TABLE t (k STRING, v INT, d DOUBLE, s STRING, pt AS PROCTIME()) WITH ('connector' = 'case', 'input' = '../../../inputs/events.jsonl');
SELECT k, v, LAG(v) OVER (PARTITION BY k ORDER BY pt) AS l FROM t;
