CREATE TABLE t (id INT, k STRING, s STRING, v INT, w INT, dt DATE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT id, CAST((k, v) AS ROW<a STRING, b INT>) = CAST(('a', 1) AS ROW<a STRING, b INT>) AS a FROM t;
