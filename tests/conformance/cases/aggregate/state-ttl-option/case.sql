SET 'table.exec.state.ttl' = '1 h';
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

SELECT usr, COUNT(*) AS n FROM orders GROUP BY usr;
