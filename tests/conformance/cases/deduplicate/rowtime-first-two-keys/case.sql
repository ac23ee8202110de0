CREATE TABLE bids (item STRING, usr STRING, price INT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/ranked-bids.jsonl');
SELECT item, price, usr FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY item, price ORDER BY ts ASC) AS rn FROM bids
) WHERE rn <= 1;
