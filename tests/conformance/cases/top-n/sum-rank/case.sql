CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT k, id, total, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY total DESC, id) AS rn FROM (SELECT k, s AS id, SUM(v) AS total FROM scores GROUP BY k, s)
) WHERE rn <= 2;
