CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
SELECT n, COUNT(*) AS times FROM (SELECT COUNT(*) AS n FROM l UNION ALL SELECT COUNT(*) FROM r GROUP BY k) GROUP BY n;
