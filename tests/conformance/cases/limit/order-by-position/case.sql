CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT id, v * 2 AS w FROM scores ORDER BY 2 DESC, -id LIMIT 3;
