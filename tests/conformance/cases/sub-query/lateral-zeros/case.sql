CREATE TABLE l (id INT, k DOUBLE, v STRING) WITH ('connector' = 'case', 'input' = 'l.jsonl');
CREATE TABLE r (id INT, k DOUBLE, w STRING) WITH ('connector' = 'case', 'input' = 'r.jsonl');
SELECT l.id, n FROM l, LATERAL (SELECT COUNT(*) AS n FROM r WHERE r.k = l.k);
