CREATE TABLE t (a INT, r ROW<x INT, y STRING>) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s.*, s.a + 1 b2, s.r.x rx FROM t s;
