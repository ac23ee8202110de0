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

SELECT region, FIRST_VALUE(usr) AS f, LAST_VALUE(usr) AS l, FIRST_VALUE(amount) AS fa, LAST_VALUE(amount) AS la FROM orders GROUP BY region;
