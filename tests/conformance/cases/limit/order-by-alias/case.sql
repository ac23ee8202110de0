CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT id, v * 2 AS w FROM scores ORDER BY w DESC NULLS LAST, id DESC FETCH FIRST 2 ROWS ONLY;
