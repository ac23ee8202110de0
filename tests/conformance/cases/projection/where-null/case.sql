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


SELECT id, usr IS NULL AS no_user, region IS NOT NULL AS has_region, item = CAST(NULL AS STRING) AS never
FROM orders WHERE usr IS NULL OR region IS NULL;
