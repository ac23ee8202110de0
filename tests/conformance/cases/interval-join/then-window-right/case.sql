CREATE TABLE o (id INT, k STRING, amount INT, ts TIMESTAMP(3), proc AS PROCTIME(), WATERMARK FOR ts AS ts)
WITH ('connector' = 'case', 'input' = '../../../inputs/interval-orders.jsonl');
CREATE TABLE s (sid INT, k STRING, weight INT, at_time TIMESTAMP(3), proc AS PROCTIME(), WATERMARK FOR at_time AS at_time)
WITH ('connector' = 'case', 'input' = '../../../inputs/interval-ships.jsonl');
CREATE VIEW j AS SELECT s.at_time, o.amount, s.weight FROM o JOIN s ON o.k = s.k AND o.ts BETWEEN s.at_time - INTERVAL '5' SECOND AND s.at_time + INTERVAL '1' SECOND;
SELECT window_start, COUNT(*) AS n, SUM(amount) AS a FROM TABLE(TUMBLE(TABLE j, DESCRIPTOR(at_time), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
