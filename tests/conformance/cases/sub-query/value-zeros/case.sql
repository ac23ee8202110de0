CREATE TABLE l (id INT, k DOUBLE, v STRING) WITH ('connector' = 'case', 'input' = 'l.jsonl');
CREATE TABLE r (id INT, k DOUBLE, w STRING) WITH ('connector' = 'case', 'input' = 'r.jsonl');
SELECT id, (SELECT COUNT(*) FROM r WHERE r.k = l.k) AS n FROM l;
