CREATE TABLE l (id INT, k STRING, v INT, s STRING, d DECIMAL(10,2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '20' SECOND) WITH ('connector' = 'case', 'input' = 'l.jsonl');
CREATE TABLE r (id INT, k STRING, v INT, s STRING, d DECIMAL(10,2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '20' SECOND, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'r.jsonl', 'changelog' = 'upsert');
SELECT r.s, COUNT(*) AS n, SUM(l.v) AS sv, MAX(r.v) AS m FROM l LEFT JOIN r FOR SYSTEM_TIME AS OF l.ts AS r ON l.k = r.k GROUP BY r.s;
