CREATE TABLE orders (id INT, cur STRING, amount INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'case', 'input' = '../../../inputs/temporal-orders.jsonl');
CREATE TABLE rates (cur STRING, rate DECIMAL(10, 4), valid TIMESTAMP(3), WATERMARK FOR valid AS valid)
WITH ('connector' = 'case', 'input' = '../../../inputs/temporal-rates-append.jsonl');
CREATE TEMPORARY VIEW newest AS SELECT cur, rate, valid FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY cur ORDER BY rate DESC) AS rn FROM rates) WHERE rn = 1;
SELECT o.id, o.cur, o.amount, r.rate, r.valid FROM orders AS o LEFT JOIN newest FOR SYSTEM_TIME AS OF o.ts AS r ON o.cur = r.cur;
