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

CREATE TEMPORARY VIEW v AS SELECT id, qty FROM orders WHERE qty > 1;
WITH orders AS (SELECT id * 10 AS id FROM v) SELECT id FROM orders;
