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


SELECT usr, id, id + 1 AS next_id, qty * 2 AS twice, qty * price AS total, amount / 3 AS third, qty % 3 AS rest, -id AS neg
FROM orders;
