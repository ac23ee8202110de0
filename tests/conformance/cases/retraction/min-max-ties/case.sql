CREATE TABLE t (k STRING, v INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT MIN(v) AS lo, MAX(v) AS hi FROM t;
