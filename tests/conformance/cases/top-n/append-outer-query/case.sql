CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT place, who FROM (SELECT rn AS place, id AS who FROM (
  SELECT id, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS rn FROM scores
)) WHERE place <= 2;
