CREATE TABLE bids (item STRING, usr STRING, price INT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/ranked-bids.jsonl');
SELECT item, usr, price, ts FROM bids ORDER BY ts ASC, price DESC;
