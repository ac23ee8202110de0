CREATE TABLE l (id INT, k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 'l.jsonl');
CREATE TABLE r (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '30' SECOND, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'r.jsonl', 'changelog' = 'upsert');
SELECT l.id, r.v, r.ts AS rts FROM l LEFT JOIN r FOR SYSTEM_TIME AS OF l.ts AS r ON l.k = r.k;
