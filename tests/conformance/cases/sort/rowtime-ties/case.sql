CREATE TABLE t (id INT, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, v FROM t ORDER BY ts, v DESC;
