CREATE TABLE bid (
  item STRING,
  usr STRING,
  price INT,
  amt DECIMAL(8, 2),
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'case', 'input' = '../../../inputs/bids.jsonl');

SELECT window_start, COUNT(DISTINCT usr) AS u FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end HAVING COUNT(DISTINCT usr) > 1;
