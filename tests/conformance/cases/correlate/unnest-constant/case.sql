CREATE TABLE t (id INT, a ARRAY<INT>, s ARRAY<STRING>, m MAP<STRING, INT>, r ARRAY<ROW<x INT, y STRING>>) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT e, e * 2 AS d FROM UNNEST(ARRAY[1, 2, 3]) AS u (e);
