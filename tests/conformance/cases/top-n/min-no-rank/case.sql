CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT k, id, lo FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY lo, id) AS rn FROM (SELECT k, s AS id, MIN(v) AS lo FROM scores GROUP BY k, s)
) WHERE rn <= 2;
