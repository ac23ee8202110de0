CREATE TABLE bids (item STRING, usr STRING, price INT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/ranked-bids.jsonl');
CREATE TEMPORARY VIEW firsts AS SELECT item, usr, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY ts) AS rn FROM bids) WHERE rn = 1;
SELECT window_start, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE firsts, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
