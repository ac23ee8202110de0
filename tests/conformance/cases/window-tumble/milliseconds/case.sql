CREATE TABLE bid (
  item STRING,
  usr STRING,
  price INT,
  amt DECIMAL(8, 2),
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'case', 'input' = '../../../inputs/bids.jsonl');

SELECT window_start, window_end, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '0.250' SECOND)) GROUP BY window_start, window_end
UNION ALL SELECT window_start, window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '1.5' SECOND)) GROUP BY window_start, window_end;
