CREATE TABLE orders (id INT, cur STRING, amount INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'case', 'input' = '../../../inputs/temporal-orders.jsonl');
CREATE TABLE rates (cur STRING, rate DECIMAL(10, 4), valid TIMESTAMP(3), WATERMARK FOR valid AS valid, PRIMARY KEY (cur) NOT ENFORCED)
WITH ('connector' = 'case', 'input' = '../../../inputs/temporal-rates.jsonl', 'changelog' = 'upsert');
SELECT o.id, o.cur, o.amount, r.rate, r.valid FROM orders AS o JOIN rates FOR SYSTEM_TIME AS OF o.ts AS r ON o.cur = r.cur AND o.amount * r.rate > 40;
