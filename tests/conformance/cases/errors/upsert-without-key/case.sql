CREATE TABLE t (id INT, v INT) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl', 'changelog' = 'upsert');
SELECT id, v FROM t;
