CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
SELECT a.k, b.w FROM (SELECT DISTINCT k FROM l) AS a, LATERAL (SELECT w, id FROM r WHERE r.k = a.k ORDER BY id DESC LIMIT 2) AS b;
