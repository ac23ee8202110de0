CREATE TABLE t (k STRING, v INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT COUNT(DISTINCT v) AS n, SUM(DISTINCT v) AS s FROM t;
