CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
SELECT a.k, a.n, b.m FROM (SELECT k, COUNT(*) AS n FROM l GROUP BY k) AS a JOIN (SELECT k, MAX(id) AS m FROM r GROUP BY k) AS b ON a.k = b.k;
