CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT k FROM scores WHERE ROW_NUMBER() OVER (PARTITION BY k ORDER BY v) <= 2;
