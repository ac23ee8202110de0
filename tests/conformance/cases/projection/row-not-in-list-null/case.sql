CREATE TABLE t (id INT, k STRING, s STRING, v INT, w INT, dt DATE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT id FROM t WHERE (k, v) NOT IN (('a', 1), ('b', CAST(NULL AS INT)));
