CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
SELECT l.id, b.w, b.n FROM l, LATERAL (SELECT w, COUNT(*) AS n FROM r WHERE r.k = l.k GROUP BY w HAVING COUNT(*) > 1) AS b;
