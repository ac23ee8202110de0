CREATE TABLE t (id INT, a ARRAY<INT>, s ARRAY<STRING>, m MAP<STRING, INT>, r ARRAY<ROW<x INT, y STRING>>) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, SUM(e) AS s, COUNT(e) AS n, COUNT(*) AS c FROM t LEFT JOIN UNNEST(a) AS u (e) ON TRUE GROUP BY id;
