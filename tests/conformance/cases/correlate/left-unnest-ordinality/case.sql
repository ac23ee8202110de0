CREATE TABLE t (id INT, a ARRAY<INT>, s ARRAY<STRING>, m MAP<STRING, INT>, r ARRAY<ROW<x INT, y STRING>>) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, x, y, o FROM t LEFT JOIN UNNEST(r) WITH ORDINALITY AS u (x, y, o) ON TRUE;
