CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT k, id, rn FROM (SELECT k, id, ROW_NUMBER() OVER w AS rn FROM scores WINDOW w AS (PARTITION BY k ORDER BY v DESC)) WHERE rn <= 2;
