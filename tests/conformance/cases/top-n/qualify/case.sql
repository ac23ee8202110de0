CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT k, id, v FROM scores QUALIFY ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) <= 2;
