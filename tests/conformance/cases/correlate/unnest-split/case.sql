CREATE TABLE t (id INT, a ARRAY<INT>, s ARRAY<STRING>, m MAP<STRING, INT>, r ARRAY<ROW<x INT, y STRING>>) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT w, COUNT(*) AS n FROM t CROSS JOIN UNNEST(SPLIT('a b a', ' ')) AS u (w) GROUP BY w;
