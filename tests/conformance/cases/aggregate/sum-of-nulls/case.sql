CREATE TABLE t (k STRING, v INT, d DOUBLE) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT k, SUM(v) AS s, AVG(d) AS a, MIN(v) AS lo, COUNT(v) AS n, COUNT(*) AS c, LISTAGG(CAST(v AS STRING)) AS l FROM t GROUP BY k;
