CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT id, v FROM (SELECT id, v, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS rn FROM (SELECT 'x' AS k, v, 1 AS id FROM scores WHERE v IN (30, 7, 5))) WHERE rn <= 2;
