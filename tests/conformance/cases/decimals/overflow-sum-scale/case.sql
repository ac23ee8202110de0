CREATE TABLE t (id INT, a DECIMAL(38, 20)) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT SUM(a) AS s, AVG(a) AS v FROM t;
