CREATE TABLE bid (
  item STRING,
  usr STRING,
  price INT,
  amt DECIMAL(8, 2),
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'case', 'input' = '../../../inputs/bids.jsonl');

SELECT item, HOP_START(ts, INTERVAL '5' SECOND, INTERVAL '10' SECOND) AS ws, COUNT(*) AS n, SUM(price) AS s, AVG(price) AS a, MIN(price) AS lo, MAX(price) AS hi, SUM(amt) AS sa, COUNT(DISTINCT usr) AS u, COUNT(*) FILTER (WHERE price > 4) AS big FROM bid GROUP BY item, HOP(ts, INTERVAL '5' SECOND, INTERVAL '10' SECOND);
