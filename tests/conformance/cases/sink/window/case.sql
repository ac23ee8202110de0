CREATE TABLE visits (id INT, usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = '../../../inputs/visits.jsonl');
CREATE TABLE kept (s TIMESTAMP(3), usr STRING, n BIGINT, PRIMARY KEY (s, usr) NOT ENFORCED) WITH ('connector' = 'case');
INSERT INTO kept SELECT window_start, usr, COUNT(*) FROM TABLE(TUMBLE(TABLE visits, DESCRIPTOR(ts), INTERVAL '4' SECOND)) GROUP BY window_start, window_end, usr;
