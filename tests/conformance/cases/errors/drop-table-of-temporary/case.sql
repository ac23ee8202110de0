CREATE TABLE t (a INT) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');
CREATE TEMPORARY TABLE t (b STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');
DROP TABLE t;
SELECT 1;
