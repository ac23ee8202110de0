CREATE TABLE bid (
  item STRING,
  usr STRING,
  price INT,
  amt DECIMAL(8, 2),
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'case', 'input' = '../../../inputs/bids.jsonl');

SELECT HOP_START(ts, INTERVAL '2' SECOND, INTERVAL '10' SECOND) AS ws, LISTAGG(usr, '-') AS users, SUM(CAST(amt AS DOUBLE) / 3) AS thirds
FROM bid
GROUP BY HOP(ts, INTERVAL '2' SECOND, INTERVAL '10' SECOND);
