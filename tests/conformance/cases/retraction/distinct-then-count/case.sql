CREATE TABLE t (k STRING, v INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT COUNT(*) AS n FROM (SELECT DISTINCT k FROM t) AS x;
