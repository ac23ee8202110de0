CREATE TABLE t (k INT, d DOUBLE, f FLOAT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT k AS f1,
  COUNT(DISTINCT d) AS f2,
  COUNT(DISTINCT f) AS f3
FROM t GROUP BY k;
