CREATE TABLE t (id INT, a ARRAY<STRING>) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, ELEMENT(a) AS f1
FROM t;
