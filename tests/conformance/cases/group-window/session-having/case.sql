CREATE TABLE bid (
  item STRING,
  usr STRING,
  price INT,
  amt DECIMAL(8, 2),
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'case', 'input' = '../../../inputs/bids.jsonl');

SELECT SESSION_END(ts, INTERVAL '5' SECOND) AS we, SUM(price) AS s FROM bid GROUP BY SESSION(ts, INTERVAL '5' SECOND) HAVING COUNT(*) > 1;
