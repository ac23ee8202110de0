CREATE TABLE visits (id INT, usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = '../../../inputs/visits.jsonl');
CREATE TABLE kept (url STRING, rk BIGINT, id INT, PRIMARY KEY (url, rk) NOT ENFORCED) WITH ('connector' = 'case');
INSERT INTO kept SELECT url, rk, id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY url ORDER BY n DESC) AS rk FROM visits) WHERE rk <= 2;
