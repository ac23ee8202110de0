CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n BIGINT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT k, id, c, m, rn FROM (SELECT k, id, c, m, ROW_NUMBER() OVER (PARTITION BY k ORDER BY c DESC, id) AS rn FROM (SELECT k, id, COUNT(*) AS c, MAX(n) AS m FROM scores GROUP BY k, id)) WHERE rn <= m;
