CREATE TABLE visits (id INT, usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = '../../../inputs/visits.jsonl');
CREATE TABLE kept (k STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'case');
INSERT INTO kept SELECT 'all', COUNT(*) FROM visits;
