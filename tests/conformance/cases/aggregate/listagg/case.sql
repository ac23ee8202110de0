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

SELECT LISTAGG(usr) AS a, LISTAGG(item, ' | ') AS b, LISTAGG(DISTINCT region) AS c FROM orders;
