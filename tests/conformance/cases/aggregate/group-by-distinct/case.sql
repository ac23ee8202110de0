CREATE TABLE t (id INT, k STRING, s STRING, v INT, w INT, dt DATE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT k, s, COUNT(*) AS n FROM t GROUP BY DISTINCT ROLLUP (k, s), ROLLUP (k);
