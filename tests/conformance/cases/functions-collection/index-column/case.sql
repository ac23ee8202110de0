CREATE TABLE t (id INT, k STRING, s STRING, v INT, w INT, dt DATE, ts TIMESTAMP(3), rw ROW<a STRING, b INT>, rw2 ROW<a STRING, b INT>, ar ARRAY<INT>, ar2 ARRAY<INT>, WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT id, ar[1] AS a, ar[w] AS b, ar[3] AS c, ar[v - 1] AS e FROM t;
