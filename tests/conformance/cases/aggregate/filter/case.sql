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


SELECT COUNT(*) FILTER (WHERE qty > 1) AS many, SUM(amount) FILTER (WHERE region = 'north') AS north,
  COUNT(DISTINCT usr) FILTER (WHERE item = 'pen') AS pens, COUNT(DISTINCT usr) FILTER (WHERE item <> 'pen') AS others, MAX(id) FILTER (WHERE usr IS NULL) AS nobody
FROM orders;
