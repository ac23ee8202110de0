CREATE TABLE t (id INT, a ARRAY<INT>, s ARRAY<STRING>, m MAP<STRING, INT>, r ARRAY<ROW<x INT, y STRING>>) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, k, v, o FROM t CROSS JOIN UNNEST(m) WITH ORDINALITY AS u (k, v, o);
