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

SELECT MAX(c) AS top, COUNT(*) AS n FROM (SELECT q, COUNT(*) AS c FROM (SELECT usr, SUM(qty) AS q FROM orders GROUP BY usr) AS a GROUP BY q) AS b;
