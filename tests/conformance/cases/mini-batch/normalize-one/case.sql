SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '10 s';
SET 'table.exec.mini-batch.size' = '1';
CREATE TABLE p (id INT, team STRING, v INT, name STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = '../../../inputs/players-upsert.jsonl', 'changelog' = 'upsert');
SELECT * FROM p;
