CREATE TABLE t (
  id INT,
  o BIGINT METADATA FROM 'ofset'
) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');
SELECT id, o FROM t;
