CREATE TABLE t (k STRING, i INT, d DOUBLE, s STRING, b BOOLEAN, c DECIMAL(8, 2), dt DATE, ts TIMESTAMP(3), l BIGINT) WITH ('connector' = 'case', 'input' = '../../../inputs/mixed.jsonl');
SELECT k, ARRAY_AGG(c) AS f1, ARRAY_AGG(b) AS f2, ARRAY_AGG(DISTINCT i) AS f3 FROM t GROUP BY k;
