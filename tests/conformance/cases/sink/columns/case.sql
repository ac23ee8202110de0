CREATE TABLE visits (id INT, usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = '../../../inputs/visits.jsonl');
CREATE TABLE kept (a STRING, b BIGINT, c STRING, PRIMARY KEY (c) NOT ENFORCED) WITH ('connector' = 'case');
INSERT INTO kept (c, b) SELECT usr, COUNT(*) FROM visits GROUP BY usr;
