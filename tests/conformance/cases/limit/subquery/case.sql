CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT k, COUNT(*) AS n FROM (SELECT k FROM scores LIMIT 7) GROUP BY k;
