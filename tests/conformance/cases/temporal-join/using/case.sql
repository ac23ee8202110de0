CREATE TABLE orders (id INT, cur STRING, amount INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'case', 'input' = '../../../inputs/temporal-orders.jsonl');
CREATE TABLE rates (cur STRING, rate DECIMAL(10, 4), valid TIMESTAMP(3), WATERMARK FOR valid AS valid, PRIMARY KEY (cur) NOT ENFORCED)
WITH ('connector' = 'case', 'input' = '../../../inputs/temporal-rates-append.jsonl');
SELECT o.id, r.rate FROM orders AS o LEFT JOIN rates FOR SYSTEM_TIME AS OF o.ts AS r USING (cur);
