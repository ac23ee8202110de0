CREATE TABLE players (id INT, team STRING, v INT, name STRING)
WITH ('connector' = 'case', 'input' = '../../../inputs/players.jsonl', 'changelog' = 'all');
SELECT team, id, v FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY team ORDER BY v DESC) AS rn FROM players
) WHERE rn = 1;
