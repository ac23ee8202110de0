CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT k, id, c, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY c DESC, id) AS rn FROM (SELECT k, id, COUNT(*) AS c, SUM(v) AS total, MAX(v) AS hi, MIN(v) AS lo FROM scores GROUP BY k, id)
) WHERE rn <= 2;
