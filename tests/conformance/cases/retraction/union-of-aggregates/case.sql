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


SELECT COUNT(*) AS n, SUM(q) AS q FROM (
  SELECT usr AS k, SUM(qty) AS q FROM orders GROUP BY usr UNION ALL SELECT item, SUM(qty) FROM orders GROUP BY item) AS t;
