CREATE TABLE t (k STRING, v INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT COUNT(*) FILTER (WHERE v > 3) AS big, SUM(v) FILTER (WHERE k = 'a') AS sa, COUNT(DISTINCT k) FILTER (WHERE v > 1) AS dk FROM t;
