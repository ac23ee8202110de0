CREATE TABLE players (id INT, team STRING, v INT, name STRING)
WITH ('connector' = 'case', 'input' = '../../../inputs/players.jsonl', 'changelog' = 'all');
SELECT id, v FROM players ORDER BY v DESC, id LIMIT 2;
