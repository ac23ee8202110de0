CREATE TABLE t (k STRING, i INT, d DOUBLE, s STRING, b BOOLEAN, c DECIMAL(8, 2), dt DATE, ts TIMESTAMP(3), l BIGINT) WITH ('connector' = 'case', 'input' = '../../../inputs/mixed.jsonl');
SELECT k, LISTAGG(s) AS f1, LISTAGG(CAST(i AS STRING), '-') AS f2, LISTAGG(s, ';') FILTER (WHERE b) AS f3 FROM t GROUP BY k;
