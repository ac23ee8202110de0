CREATE TABLE visits (id INT, usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = '../../../inputs/visit-changes.jsonl');
CREATE TABLE kept (id INT, usr STRING, url STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case');
INSERT INTO kept SELECT id, usr, url FROM visits;
