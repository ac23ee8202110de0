CREATE TABLE t (id INT, a DECIMAL(38, 0)) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT SUM(a) AS s, AVG(a) AS v, MAX(a) AS m FROM t;
