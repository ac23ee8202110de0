CREATE TABLE orders (id INT, cur STRING, amount INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'case', 'input' = 'orders.jsonl');
CREATE TABLE rates (cur STRING, rate DECIMAL(10, 4), valid TIMESTAMP(3), WATERMARK FOR valid AS valid, PRIMARY KEY (cur) NOT ENFORCED)
WITH ('connector' = 'case', 'input' = '../../../inputs/temporal-rates.jsonl', 'changelog' = 'upsert');
SELECT id, MAX(amount) AS most, COUNT(rate) AS rates FROM (SELECT o.id, o.amount, r.rate FROM orders AS o LEFT JOIN rates FOR SYSTEM_TIME AS OF o.ts AS r ON o.cur = r.cur) GROUP BY id;
