CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
SELECT k, SUM(CASE WHEN EXISTS (SELECT 1 FROM r WHERE r.k = l.k) THEN id ELSE 0 END) AS n FROM l GROUP BY k;
