CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l-changes.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r-changes.jsonl');
SELECT l.k, COUNT(r.id) AS n, COUNT(*) AS m FROM l LEFT JOIN r ON l.k = r.k GROUP BY l.k;
