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

SELECT region FROM orders WHERE id < 4 UNION SELECT region FROM orders WHERE id > 2;
