CREATE TABLE t (id INT, tags ARRAY<STRING>, m MAP<STRING, INT>) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT o.id, tag, k, v FROM t AS o CROSS JOIN UNNEST(o.tags) AS x (tag) LEFT JOIN UNNEST(o.m) AS y (k, v) ON TRUE WHERE tag <> 'skip';
