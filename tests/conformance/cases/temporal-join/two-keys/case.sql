CREATE TABLE orders (id INT, a STRING, b INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 'orders.jsonl');
CREATE TABLE rates (b INT, a STRING, rate INT, valid TIMESTAMP(3), WATERMARK FOR valid AS valid, PRIMARY KEY (a, b) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'rates.jsonl', 'changelog' = 'upsert');
SELECT o.id, r.rate FROM orders AS o LEFT JOIN rates FOR SYSTEM_TIME AS OF o.ts AS r ON r.b = o.b AND r.a = o.a;
