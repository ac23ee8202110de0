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


SELECT u, t + 1 AS t1 FROM (
  SELECT usr, total FROM (SELECT usr, qty * 10 AS total, amount FROM orders WHERE amount IS NOT NULL) AS x WHERE total > 0
) AS y (u, t)
WHERE u IS NOT NULL;
