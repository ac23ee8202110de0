CREATE TABLE t (id INT, a DECIMAL(38, 10)) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT SUM(a + a) AS s, SUM(a) + SUM(a) AS t FROM t;
