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


SELECT usr, region, COUNT(*) AS n, GROUPING(usr) AS gu, GROUPING(region) AS gr, GROUPING_ID(usr, region) AS g
FROM orders GROUP BY GROUPING SETS ((usr, region), (usr), ());
