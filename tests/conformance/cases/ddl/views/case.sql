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


CREATE VIEW positive AS SELECT id, usr, amount FROM orders WHERE amount > 0;
CREATE TEMPORARY VIEW named (n, a) AS SELECT usr, amount FROM positive WHERE usr IS NOT NULL;
CREATE TEMPORARY VIEW IF NOT EXISTS named AS SELECT 1;
SELECT n, a FROM named;
