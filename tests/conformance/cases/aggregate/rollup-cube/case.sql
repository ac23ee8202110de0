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


SELECT 'rollup' AS k, item, region, SUM(qty) AS q FROM orders GROUP BY ROLLUP (item, region)
UNION ALL SELECT 'cube', item, region, SUM(qty) FROM orders GROUP BY CUBE (item, region);
