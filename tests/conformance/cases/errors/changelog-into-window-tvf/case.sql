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

SELECT window_start, COUNT(*) FROM TABLE(TUMBLE((SELECT MAX(ts) AS ts, usr FROM orders GROUP BY usr), DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
