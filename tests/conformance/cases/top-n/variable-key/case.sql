CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n BIGINT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
SELECT k, n, id, v FROM (SELECT k, n, id, v, ROW_NUMBER() OVER (PARTITION BY k, n ORDER BY v DESC) AS rn FROM scores) WHERE rn <= n;
