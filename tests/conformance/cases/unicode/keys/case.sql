CREATE TABLE t (k STRING, v INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT k, COUNT(*) AS n, SUM(v) AS s, CHAR_LENGTH(k) AS len FROM t GROUP BY k;
