CREATE TABLE o (id INT, k STRING, amount INT, ts TIMESTAMP(3), proc AS PROCTIME(), WATERMARK FOR ts AS ts)
WITH ('connector' = 'case', 'input' = '../../../inputs/interval-orders.jsonl');
CREATE TABLE s (sid INT, k STRING, weight INT, at_time TIMESTAMP(3), proc AS PROCTIME(), WATERMARK FOR at_time AS at_time)
WITH ('connector' = 'case', 'input' = '../../../inputs/interval-ships.jsonl');
SELECT o.id, s.sid, o.ts, s.at_time FROM o JOIN s ON o.k = s.k AND o.ts >= FLOOR(s.at_time TO MINUTE) AND o.ts <= s.at_time;
