CREATE TABLE t (k STRING, i INT, d DOUBLE, s STRING, b BOOLEAN, c DECIMAL(8, 2), dt DATE, ts TIMESTAMP(3), l BIGINT) WITH ('connector' = 'case', 'input' = '../../../inputs/mixed.jsonl');
SELECT STDDEV_POP(DISTINCT d) AS f1, VAR_SAMP(d) FILTER (WHERE d < 100) AS f2, VAR_POP(DISTINCT i) AS f3, STDDEV_SAMP(c) AS f4 FROM t WHERE k <> 'c';
