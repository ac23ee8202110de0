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


SELECT id, item IN ('pen', 'ink') AS f_in, item NOT IN ('pen', 'ink') AS f_not_in,
  id IN (1, 2, CAST(NULL AS INT)) AS f_in_null,
  amount BETWEEN 2.5 AND 40 AS f_between, amount NOT BETWEEN 2.5 AND 40 AS f_not_between,
  id BETWEEN 5 AND 3 AS f_empty, id BETWEEN SYMMETRIC 5 AND 3 AS f_symmetric
FROM orders;
