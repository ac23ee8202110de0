CREATE TABLE bid (
  item STRING,
  usr STRING,
  price INT,
  amt DECIMAL(8, 2),
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'case', 'input' = '../../../inputs/bids.jsonl');

SELECT window_start, window_end, LISTAGG(usr, '-') AS users, SUM(CAST(amt AS DOUBLE) / 3) AS thirds, AVG(CAST(price AS DOUBLE) / 7) AS sevenths
FROM TABLE(HOP(TABLE bid, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
GROUP BY window_start, window_end;
