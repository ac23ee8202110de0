CREATE TABLE a (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'case', 'input' = 'a.jsonl');
CREATE TABLE b (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 'b.jsonl');
SELECT a.id, b.id AS bid FROM a FULL JOIN b ON a.ts > b.ts - INTERVAL '0.002' SECOND AND a.ts < b.ts + INTERVAL '0.001' SECOND;
