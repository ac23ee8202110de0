CREATE TABLE visits (id INT, usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = '../../../inputs/visits.jsonl');
CREATE TABLE kept (url STRING, usr STRING, n BIGINT, PRIMARY KEY (url) NOT ENFORCED) WITH ('connector' = 'case', 'changelog' = 'all');
INSERT INTO kept SELECT url, usr, COUNT(*) FROM visits GROUP BY usr, url ON CONFLICT DO DEDUPLICATE;
