CREATE TABLE base (a INT, b STRING, PRIMARY KEY (a) NOT ENFORCED) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');
CREATE TABLE t (PRIMARY KEY (b) NOT ENFORCED) LIKE base;
SELECT * FROM t;
