CREATE TABLE visits (id INT, usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = '../../../inputs/visits.jsonl');
CREATE TABLE kept (id INT, usr STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case');
INSERT INTO kept SELECT id, usr FROM visits ON CONFLICT DO ERROR;
