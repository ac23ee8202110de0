CREATE TABLE bid (
  item STRING,
  usr STRING,
  price INT,
  amt DECIMAL(8, 2),
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'case', 'input' = '../../../inputs/bids.jsonl');

SELECT window_start, window_end, item, SUM(price) AS s
FROM TABLE(SESSION(TABLE bid PARTITION BY item, DESCRIPTOR(ts), INTERVAL '5' SECOND))
GROUP BY window_start, window_end, item
HAVING SUM(price) > 8 AND COUNT(*) < 4;
