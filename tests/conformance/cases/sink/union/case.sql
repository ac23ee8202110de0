CREATE TABLE visits (id INT, usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = '../../../inputs/visits.jsonl');
CREATE TABLE kept (usr STRING, what STRING, n BIGINT, PRIMARY KEY (usr, what) NOT ENFORCED) WITH ('connector' = 'case');
INSERT INTO kept SELECT usr, 'all', COUNT(*) FROM visits GROUP BY usr UNION ALL SELECT usr, 'a', COUNT(*) FROM visits WHERE url = '/a' GROUP BY usr;
