CREATE TABLE people (id INT, cur STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'people.jsonl', 'changelog' = 'all');
CREATE TABLE rates (cur STRING, rate INT, valid TIMESTAMP(3), WATERMARK FOR valid AS valid, PRIMARY KEY (cur) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'rates.jsonl');
CREATE TABLE kept (id INT, cur STRING, rate INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case');
INSERT INTO kept SELECT p.id, p.cur, r.rate FROM people AS p JOIN rates FOR SYSTEM_TIME AS OF p.ts AS r ON p.cur = r.cur;
