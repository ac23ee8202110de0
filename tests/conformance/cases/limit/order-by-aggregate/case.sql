CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT k FROM scores GROUP BY k ORDER BY SUM(v) DESC, k LIMIT 2;
