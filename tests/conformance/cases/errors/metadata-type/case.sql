CREATE TABLE t (
  id INT,
  p DATE METADATA FROM 'partition'
) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');
SELECT id, p FROM t;
