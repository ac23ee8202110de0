CREATE TABLE t (id INT, a ARRAY<INT>, s ARRAY<STRING>, m MAP<STRING, INT>, r ARRAY<ROW<x INT, y STRING>>) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, e FROM t CROSS JOIN UNNEST(ARRAY_CONCAT(a, ARRAY[id, 99])) AS u (e);
