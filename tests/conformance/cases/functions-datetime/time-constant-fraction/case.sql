CREATE TABLE t (id INT, k STRING, s STRING, v INT, w INT, dt DATE, ts TIMESTAMP(3), rw ROW<a STRING, b INT>, rw2 ROW<a STRING, b INT>, ar ARRAY<INT>, ar2 ARRAY<INT>, WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT TIME '10:11:12.345' AS a FROM t;
