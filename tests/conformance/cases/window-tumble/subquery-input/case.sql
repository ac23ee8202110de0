CREATE TABLE bid (
  item STRING,
  usr STRING,
  price INT,
  amt DECIMAL(8, 2),
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'case', 'input' = '../../../inputs/bids.jsonl');

CREATE TEMPORARY VIEW big AS SELECT item AS k, price * 2 AS p2, ts FROM bid WHERE price >= 3;
SELECT k, window_start, SUM(p2) AS s FROM TABLE(TUMBLE(TABLE big, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY k, window_start, window_end;
