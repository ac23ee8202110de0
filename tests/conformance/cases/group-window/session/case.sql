CREATE TABLE clicks (
  usr STRING,
  v INT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts
) WITH ('connector' = 'case', 'input' = '../../../inputs/clicks.jsonl');


SELECT SESSION_START(ts, INTERVAL '10' SECOND) AS ws, SESSION_END(ts, INTERVAL '10' SECOND) AS we, SESSION_ROWTIME(ts, INTERVAL '10' SECOND) AS wr, usr, COUNT(*) AS n
FROM clicks GROUP BY SESSION(ts, INTERVAL '10' SECOND), usr;
