SET 'execution.checkpointing.interval' = '200 ms';
SET 'parallelism.default' = '1';
CREATE TABLE orders (id BIGINT NOT NULL, usr STRING NOT NULL, region STRING, amount DOUBLE)
WITH ('connector' = 'kafka', 'topic' = 'events', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE averages (region STRING, average DOUBLE, PRIMARY KEY (region) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'results', 'key.format' = 'json', 'value.format' = 'json');
CREATE TEMPORARY FUNCTION mean AS 'mean';

-- A user who moves takes what was counted for the old region away from it.
INSERT INTO averages
SELECT region, mean(amount)
FROM (SELECT usr, LAST_VALUE(region) AS region, SUM(amount) AS amount FROM orders GROUP BY usr)
GROUP BY region;
