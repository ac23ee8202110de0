CREATE TABLE t (i INT, s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT i AS f1,
  s AS f2
FROM t WHERE i NOT IN (SELECT x FROM (VALUES (1), (4)) AS v (x)) OR (i, s) IN (SELECT x, y FROM (VALUES (1, 'a'), (3, 'b')) AS v (x, y));
