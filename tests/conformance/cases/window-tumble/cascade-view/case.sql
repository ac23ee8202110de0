CREATE TABLE bid (
  item STRING,
  usr STRING,
  price INT,
  amt DECIMAL(8, 2),
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'case', 'input' = '../../../inputs/bids.jsonl');

CREATE TEMPORARY VIEW per_ten AS
SELECT window_start AS ws, window_end AS we, window_time AS rt, item, SUM(price) AS s FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, window_time, item;
SELECT window_start, item, SUM(s) AS s, COUNT(*) AS parts FROM TABLE(TUMBLE(TABLE per_ten, DESCRIPTOR(rt), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, item;
