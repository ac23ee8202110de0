CREATE TABLE orders (id INT, cur STRING, ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 'orders.jsonl');
CREATE TABLE rates (cur STRING, rate INT, ms BIGINT, valid AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR valid AS valid, PRIMARY KEY (cur) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'rates.jsonl');
SELECT o.id, o.ts, r.rate, r.valid FROM orders AS o LEFT JOIN rates FOR SYSTEM_TIME AS OF o.ts AS r ON o.cur = r.cur;
