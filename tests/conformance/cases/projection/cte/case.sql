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


WITH big AS (SELECT id, usr, amount FROM orders WHERE amount > 10),
     named AS (SELECT id, usr FROM big WHERE usr IS NOT NULL)
SELECT 'big' AS k, id FROM big UNION ALL SELECT 'named', id FROM named;
