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


SELECT usr, COUNT(*) AS n, COUNT(amount) AS n_amount, SUM(qty) AS s, AVG(qty) AS a, MIN(amount) AS lo, MAX(amount) AS hi
FROM orders GROUP BY usr;
