CREATE TABLE visits (id INT, usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = '../../../inputs/visits.jsonl');
CREATE TABLE kept (usr STRING, id INT, PRIMARY KEY (usr) NOT ENFORCED) WITH ('connector' = 'case');
INSERT INTO kept SELECT usr, id FROM visits ON CONFLICT DO NOTHING;
