CREATE TABLE visits (id INT, usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = '../../../inputs/visit-changes.jsonl');
CREATE TABLE names (usr STRING, name STRING, PRIMARY KEY (usr) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'names.jsonl');
CREATE TABLE kept (id INT, url STRING, name STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case');
INSERT INTO kept SELECT v.id, v.url, n.name FROM visits AS v LEFT JOIN names AS n ON v.usr = n.usr;
