CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT k, b FROM (SELECT k, b, ROW_NUMBER() OVER (PARTITION BY k ORDER BY pt DESC) AS rn FROM (SELECT k, v > 8 AS b, pt FROM scores)) WHERE rn = 1;
