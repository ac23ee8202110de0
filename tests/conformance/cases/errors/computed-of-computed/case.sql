CREATE TABLE t (id INT, a AS id + 1, b AS a + 1) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');
SELECT * FROM t;
