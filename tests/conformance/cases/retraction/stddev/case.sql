CREATE TABLE t (k STRING, d DOUBLE) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT k, STDDEV_POP(d) AS sp, VAR_SAMP(d) AS vs, AVG(d) AS a, SUM(d) AS s FROM t GROUP BY k;
