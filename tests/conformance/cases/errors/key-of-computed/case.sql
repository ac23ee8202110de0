CREATE TABLE t (id INT, a AS id + 1, PRIMARY KEY (a) NOT ENFORCED) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');
SELECT * FROM t;
