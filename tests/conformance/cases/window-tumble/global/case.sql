CREATE TABLE clicks (
  usr STRING,
  v INT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts
) WITH ('connector' = 'case', 'input' = '../../../inputs/clicks.jsonl');

SELECT window_start, window_end, SUM(v) AS s, COUNT(DISTINCT usr) AS u FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '30' SECOND)) GROUP BY window_start, window_end;
