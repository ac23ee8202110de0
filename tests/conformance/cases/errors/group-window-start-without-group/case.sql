CREATE TABLE orders (
  id INT,
  usr STRING,
  item STRING,
  amount DOUBLE,
  qty BIGINT,
  price DECIMAL(10, 2),
  region STRING,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts
) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');

SELECT TUMBLE_START(ts, INTERVAL '10' SECOND) FROM orders;
