CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT k, id, c, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY c DESC, id) AS rn FROM (SELECT k, id, c FROM (SELECT k, s AS id, COUNT(*) AS c FROM scores GROUP BY k, s) WHERE c < 2)
) WHERE rn <= 2;
