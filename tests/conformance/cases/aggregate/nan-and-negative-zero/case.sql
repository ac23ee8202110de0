CREATE TABLE t (k STRING, v STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');

SELECT k, SUM(CAST(v AS DOUBLE)) AS total, MAX(CAST(v AS DOUBLE)) AS most FROM t GROUP BY k;
