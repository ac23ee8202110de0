CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT k, id, v, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY k) AS rn FROM scores
) WHERE rn <= 2;
