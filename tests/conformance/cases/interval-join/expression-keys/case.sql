CREATE TABLE o (id INT, k STRING, amount INT, ts TIMESTAMP(3), proc AS PROCTIME(), WATERMARK FOR ts AS ts)
WITH ('connector' = 'case', 'input' = '../../../inputs/interval-orders.jsonl');
CREATE TABLE s (sid INT, k STRING, weight INT, at_time TIMESTAMP(3), proc AS PROCTIME(), WATERMARK FOR at_time AS at_time)
WITH ('connector' = 'case', 'input' = '../../../inputs/interval-ships.jsonl');
SELECT o.id, s.sid FROM o JOIN s ON UPPER(o.k) = UPPER(s.k) AND o.amount + 5 = s.weight AND o.ts BETWEEN s.at_time - INTERVAL '5' SECOND AND s.at_time + INTERVAL '1' SECOND;
