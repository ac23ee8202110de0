CREATE TABLE t (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT k, v, ts, SUM(v) OVER (PARTITION BY k ORDER BY ts RANGE UNBOUNDED PRECEDING) AS s FROM t;
