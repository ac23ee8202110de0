CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT k, n FROM (SELECT k, COUNT(*) AS n, PROCTIME() AS p FROM scores GROUP BY k) ORDER BY p;
