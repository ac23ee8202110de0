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


SELECT 'a' AS branch, id, amount AS v FROM orders WHERE id <= 2
UNION ALL SELECT 'bb', id * 100, CAST(qty AS DOUBLE) FROM orders WHERE id BETWEEN 3 AND 4
UNION ALL SELECT CAST(NULL AS STRING), CAST(NULL AS INT), 0 FROM orders WHERE id = 5;
