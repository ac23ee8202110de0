CREATE TABLE t (a INT, PRIMARY KEY (a)) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');
SELECT * FROM t;
