CREATE TABLE t (id INT, k STRING, s STRING, v INT, w INT, dt DATE, ts TIMESTAMP(3), rw ROW<a STRING, b INT>, rw2 ROW<a STRING, b INT>, ar ARRAY<INT>, ar2 ARRAY<INT>, WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT id, MAP['a', 1][s] AS a, MAP['a', 'b'][s] AS b, MAP['a', 1.5][s] AS c, MAP['x', v][s] AS e FROM t WHERE s IS NOT NULL;
