CREATE TABLE t (k STRING, i INT, d DOUBLE, s STRING, b BOOLEAN, c DECIMAL(8, 2), dt DATE, ts TIMESTAMP(3), l BIGINT) WITH ('connector' = 'case', 'input' = '../../../inputs/mixed.jsonl');
SELECT k, FIRST_VALUE(s) AS f1, LAST_VALUE(s) AS f2, FIRST_VALUE(b) AS f3, LAST_VALUE(c) AS f4 FROM t GROUP BY k;
