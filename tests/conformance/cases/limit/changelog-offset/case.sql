CREATE TABLE players (id INT, team STRING, v INT, name STRING)
WITH ('connector' = 'case', 'input' = '../../../inputs/players.jsonl', 'changelog' = 'all');
SELECT id, v FROM players LIMIT 2 OFFSET 1;
