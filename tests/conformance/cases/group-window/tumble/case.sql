CREATE TABLE clicks (
  usr STRING,
  v INT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts
) WITH ('connector' = 'case', 'input' = '../../../inputs/clicks.jsonl');


SELECT TUMBLE_START(ts, INTERVAL '10' SECOND) AS ws, TUMBLE_END(ts, INTERVAL '10' SECOND) AS we, TUMBLE_ROWTIME(ts, INTERVAL '10' SECOND) AS wr, usr, COUNT(*) AS n, SUM(v) AS s
FROM clicks GROUP BY TUMBLE(ts, INTERVAL '10' SECOND), usr;
