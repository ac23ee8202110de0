CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT id FROM scores WHERE id < 3 UNION ALL SELECT v FROM scores WHERE v > 20 ORDER BY 1 LIMIT 3;
