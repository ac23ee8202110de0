CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
SELECT k, MAX(id) AS m FROM l GROUP BY k HAVING MAX(id) + 10 > (SELECT MIN(id) FROM r);
