CREATE TABLE t (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('connector' = 'case', 'input' = 'in.jsonl', 'splits' = '3');

SELECT k, COUNT(*) AS n, COUNT(*) FILTER (WHERE ts <= CURRENT_WATERMARK(ts)) AS late FROM t GROUP BY k;
