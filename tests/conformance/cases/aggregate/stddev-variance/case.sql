CREATE TABLE t (k STRING, d DOUBLE, i INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT k, STDDEV_POP(d) AS sp, STDDEV_SAMP(d) AS ss, STDDEV(d) AS s, VAR_POP(d) AS vp, VAR_SAMP(d) AS vs, VARIANCE(d) AS v, VAR_POP(i) AS vpi, STDDEV_SAMP(i) AS ssi
FROM t GROUP BY k;
