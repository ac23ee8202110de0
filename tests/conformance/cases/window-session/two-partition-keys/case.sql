CREATE TABLE bid (
  item STRING,
  usr STRING,
  price INT,
  amt DECIMAL(8, 2),
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'case', 'input' = '../../../inputs/bids.jsonl');

SELECT item, usr, window_start, window_end, COUNT(*) AS n FROM TABLE(SESSION(TABLE bid PARTITION BY (item, usr), DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY item, usr, window_start, window_end;
