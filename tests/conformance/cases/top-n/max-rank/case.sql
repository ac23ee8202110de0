CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT k, id, hi, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY hi DESC, id) AS rn FROM (SELECT k, s AS id, MAX(v) AS hi FROM scores GROUP BY k, s)
) WHERE rn <= 2;
