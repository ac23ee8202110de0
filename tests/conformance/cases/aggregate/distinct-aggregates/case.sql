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


SELECT region, COUNT(DISTINCT usr) AS users, COUNT(DISTINCT item) AS items, SUM(DISTINCT qty) AS sq, SUM(qty) AS q, AVG(DISTINCT qty) AS aq, MIN(DISTINCT qty) AS lo, MAX(DISTINCT qty) AS hi
FROM orders GROUP BY region;
