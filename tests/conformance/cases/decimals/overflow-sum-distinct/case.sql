CREATE TABLE t (id INT, a DECIMAL(38, 0)) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT SUM(DISTINCT a) AS s FROM t;
