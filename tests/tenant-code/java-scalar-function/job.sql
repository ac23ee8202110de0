SET 'execution.checkpointing.interval' = '200 ms';
SET 'parallelism.default' = '1';
CREATE TABLE orders (id BIGINT NOT NULL, usr STRING NOT NULL, region STRING, amount DOUBLE)
WITH ('connector' = 'kafka', 'topic' = 'events', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TEMPORARY FUNCTION tag AS 'label';
INSERT INTO results SELECT id, tag(usr, region), tag(amount) FROM orders;
