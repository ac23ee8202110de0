CREATE TABLE t (a STRING, b INT, v INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT a, b, SUM(v) AS s, COUNT(*) AS n FROM t GROUP BY a, b;
