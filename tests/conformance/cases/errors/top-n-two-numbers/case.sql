CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT k, id FROM (SELECT k, id, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v) AS a, ROW_NUMBER() OVER (PARTITION BY k ORDER BY id) AS b FROM scores) WHERE a <= 2 AND b <= 2;
