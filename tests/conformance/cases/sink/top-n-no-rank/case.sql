CREATE TABLE visits (id INT, usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = '../../../inputs/visits.jsonl');
CREATE TABLE kept (url STRING, usr STRING, s BIGINT, PRIMARY KEY (url, usr) NOT ENFORCED) WITH ('connector' = 'case');
INSERT INTO kept SELECT url, usr, s FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY url ORDER BY s DESC) AS rk FROM (SELECT url, usr, SUM(n) AS s FROM visits GROUP BY url, usr)) WHERE rk <= 1;
