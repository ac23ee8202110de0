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

SELECT ARRAY_AGG(item) AS a, ARRAY_AGG(DISTINCT region) AS b, ARRAY_AGG(id) FILTER (WHERE id > 8) AS c FROM orders;
