CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT k, id, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY CAST(v AS DECIMAL(10, 2)) DESC NULLS LAST, v > 8, ts DESC) AS rn FROM scores
) WHERE rn <= 2;
