CREATE TABLE t (id INT, k STRING, s STRING, v INT, w INT, dt DATE, ts TIMESTAMP(3), rw ROW<a STRING, b INT>, rw2 ROW<a STRING, b INT>, ar ARRAY<INT>, ar2 ARRAY<INT>, WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT 5. AS a, 5.0 AS b, 5e0 AS c, 99999999999 AS e, 99999999999999999999 AS f, 0.10 AS g, 00012 AS h, 1.0E400 AS i FROM t;
