CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
SELECT k, COUNT(*) AS n FROM l GROUP BY k HAVING EXISTS (SELECT 1 FROM r WHERE r.k = l.k);
