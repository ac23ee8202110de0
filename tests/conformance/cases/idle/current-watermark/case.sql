CREATE TABLE t (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 'in.jsonl', 'splits' = '2');
SELECT k, v, ts, CURRENT_WATERMARK(ts) AS wm FROM t;
