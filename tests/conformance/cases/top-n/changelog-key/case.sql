CREATE TABLE players (id INT, team STRING, v INT, name STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'case', 'input' = '../../../inputs/players.jsonl', 'changelog' = 'all');
SELECT team, id, v, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY team ORDER BY v DESC) AS rn FROM players
) WHERE rn <= 2;
