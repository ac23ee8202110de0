CREATE TABLE players (id INT, team STRING, v INT, name STRING)
WITH ('connector' = 'case', 'input' = '../../../inputs/players.jsonl', 'changelog' = 'all');
SELECT id, v, rn FROM (
  SELECT *, ROW_NUMBER() OVER (ORDER BY v DESC NULLS LAST, id) AS rn FROM players
) WHERE rn <= 3;
