SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '10 s';
SET 'table.exec.mini-batch.size' = '4';
CREATE TABLE orders (
  id INT,
  usr STRING,
  item STRING,
  amount DOUBLE,
  qty BIGINT,
  price DECIMAL(10, 2),
  region STRING,
  ts TIMESTAMP(3)
) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');

SELECT usr, COUNT(*) AS n, SUM(qty) AS s, MAX(amount) AS hi FROM orders GROUP BY usr;
