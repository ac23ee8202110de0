CREATE TABLE t (a INT) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');
SELECT a FROM t /*+ OPTIONS('imput' = 'x.jsonl') */;
