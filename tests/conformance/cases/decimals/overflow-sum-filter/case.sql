CREATE TABLE t (id INT, a DECIMAL(38, 0)) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT SUM(a) FILTER (WHERE id < 3) AS s FROM t;
