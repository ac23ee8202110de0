CREATE TABLE bid (
  item STRING,
  usr STRING,
  price INT,
  amt DECIMAL(8, 2),
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND
) WITH ('connector' = 'case', 'input' = '../../../inputs/bids.jsonl');

SELECT TUMBLE_END(rt, INTERVAL '1' MINUTE) AS we, SUM(n) AS n FROM (
  SELECT TUMBLE_ROWTIME(ts, INTERVAL '10' SECOND) AS rt, COUNT(*) AS n FROM bid GROUP BY TUMBLE(ts, INTERVAL '10' SECOND)) AS x
GROUP BY TUMBLE(rt, INTERVAL '1' MINUTE);
