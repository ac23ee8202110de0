CREATE TABLE t (k STRING, v INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT LAST_VALUE(v) AS l, FIRST_VALUE(v) AS f FROM t;
