CREATE TABLE t (k STRING, v INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT k, v FROM t UNION ALL SELECT 'const', x FROM (VALUES (1), (2)) AS c (x);
