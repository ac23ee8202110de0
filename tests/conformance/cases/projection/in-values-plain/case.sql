CREATE TABLE t (i INT, s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT i AS f1,
  s AS f2
FROM t WHERE i IN (VALUES (1), (1), (7)) AND s IN (SELECT y FROM (VALUES (1, 'a'), (3, 'b')) AS v (x, y) UNION ALL SELECT y FROM (VALUES ('c')) AS w (y));
