CREATE TABLE t (k STRING, v INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT v * 2 AS v2, UPPER(k) AS u FROM t WHERE v > 2;
