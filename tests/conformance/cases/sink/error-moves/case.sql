CREATE TABLE visits (id INT, usr STRING, url STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'moves.jsonl');
CREATE TABLE kept (url STRING, id INT, usr STRING, PRIMARY KEY (url) NOT ENFORCED) WITH ('connector' = 'case');
INSERT INTO kept SELECT url, id, usr FROM visits ON CONFLICT DO ERROR;
