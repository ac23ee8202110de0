CREATE TABLE visits (id INT, usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = '../../../inputs/visit-changes.jsonl');
CREATE TABLE names (usr STRING, name STRING, PRIMARY KEY (usr) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'names.jsonl');
CREATE TABLE kept (name STRING, id INT, PRIMARY KEY (name) NOT ENFORCED) WITH ('connector' = 'case');
INSERT INTO kept SELECT n.name, v.id FROM visits AS v JOIN names AS n ON v.usr = n.usr ON CONFLICT DO DEDUPLICATE;
