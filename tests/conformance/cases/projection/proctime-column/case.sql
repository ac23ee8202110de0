CREATE TABLE t (id INT, pt AS PROCTIME()) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, pt IS NOT NULL AS f1, TYPEOF(pt) AS f3 FROM t;
