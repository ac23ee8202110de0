CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT 'best' AS what, id FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS rn FROM scores) WHERE rn <= 2 UNION ALL SELECT 'worst', id FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v) AS rn FROM scores) WHERE rn <= 3;
