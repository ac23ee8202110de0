CREATE TABLE t (k STRING, i INT, d DOUBLE, s STRING, b BOOLEAN, c DECIMAL(8, 2), dt DATE, ts TIMESTAMP(3), l BIGINT) WITH ('connector' = 'case', 'input' = '../../../inputs/mixed.jsonl');
SELECT k, MIN(i) AS f1, MAX(d) AS f2, MIN(s) AS f3, MAX(s) AS f4, MIN(b) AS f5, MAX(c) AS f6, MIN(dt) AS f7, MAX(ts) AS f8, MAX(l) AS f9 FROM t GROUP BY k;
