CREATE TABLE players (id INT, team STRING, v INT, name STRING, ts AS TO_TIMESTAMP_LTZ(id, 3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'case', 'input' = '../../../inputs/players.jsonl', 'changelog' = 'all');
SELECT id, rn FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY v DESC) AS rn FROM TABLE(TUMBLE(TABLE players, DESCRIPTOR(ts), INTERVAL '10' SECOND))
) WHERE rn <= 2;
