CREATE TABLE t (v INT, w INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT PERCENTILE(v, 0.5) AS p50, PERCENTILE(v, ARRAY[0.1, 0.9]) AS ps, PERCENTILE(v, 0.5, w) AS pw FROM t;
