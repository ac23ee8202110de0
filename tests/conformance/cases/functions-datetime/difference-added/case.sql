CREATE TABLE t (id INT, k STRING, s STRING, v INT, w INT, dt DATE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT id, TIMESTAMP '2024-01-31 00:00:00' + (ts - TIMESTAMP '2024-01-01 00:00:00') SECOND AS a FROM t;
