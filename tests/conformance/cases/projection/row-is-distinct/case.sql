CREATE TABLE t (id INT, k STRING, s STRING, v INT, w INT, dt DATE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT id, (k, v) IS DISTINCT FROM (s, w) AS a, (k, v) IS NOT DISTINCT FROM ('a', 1) AS b FROM t;
