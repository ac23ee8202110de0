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


SELECT id,
  CASE WHEN amount IS NULL THEN 'none' WHEN amount < 0 THEN 'back' WHEN amount < 20 THEN 'small' ELSE 'large' END AS size,
  CASE item WHEN 'pen' THEN 1 WHEN 'ink' THEN 2 END AS code,
  CASE WHEN qty > 5 THEN CASE usr WHEN 'bob' THEN 'bulk bob' ELSE 'bulk' END END AS bulk,
  CASE WHEN id > 5 THEN price ELSE id END AS mixed
FROM orders;
