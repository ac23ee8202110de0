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

SELECT n, COUNT(*) AS users FROM (SELECT usr, COUNT(*) AS n FROM orders GROUP BY usr) AS t GROUP BY n;
