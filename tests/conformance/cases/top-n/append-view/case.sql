CREATE TABLE scores (k STRING, id INT, v INT, s STRING, n INT, ts TIMESTAMP(3))
WITH ('connector' = 'case', 'input' = '../../../inputs/scores.jsonl');
CREATE TEMPORARY VIEW ranked AS SELECT k, id, v, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS rn FROM scores;
WITH best AS (SELECT * FROM ranked WHERE rn <= 2) SELECT k, id FROM best;
