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


SELECT id, qty = id AS f_eq, qty <> id AS f_ne, amount < price AS f_lt, amount <= qty AS f_le, price > 15 AS f_gt, item >= 'ink' AS f_ge
FROM orders;
