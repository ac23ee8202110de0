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

SELECT /*+ STATE_TTL('orders' = '1d') */ usr, SUM(qty) AS s FROM orders GROUP BY usr;
