CREATE TABLE visits (id INT, usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = '../../../inputs/visits.jsonl');
CREATE TABLE kept (usr STRING, n DECIMAL(20, 2), PRIMARY KEY (usr) NOT ENFORCED) WITH ('connector' = 'case');
INSERT INTO kept SELECT usr, CAST(COUNT(*) AS INT) FROM visits GROUP BY usr;
