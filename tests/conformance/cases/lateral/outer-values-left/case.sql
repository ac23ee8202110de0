CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
SELECT l.id, b.x, b.seven FROM l LEFT JOIN LATERAL (SELECT r.id + l.id AS x, 7 AS seven FROM r WHERE r.k = l.k) AS b ON TRUE;
