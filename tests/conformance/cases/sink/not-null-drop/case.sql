CREATE TABLE visits (id INT, usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = '../../../inputs/visits.jsonl');
SET 'table.exec.sink.not-null-enforcer' = 'DROP';
CREATE TABLE kept (usr STRING, n BIGINT NOT NULL, PRIMARY KEY (usr) NOT ENFORCED) WITH ('connector' = 'case');
INSERT INTO kept SELECT usr, MAX(CASE WHEN n > 25 THEN n END) FROM visits GROUP BY usr;
