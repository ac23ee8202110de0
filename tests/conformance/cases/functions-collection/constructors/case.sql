CREATE TABLE t (id INT, s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT ARRAY[id, 2, 3] AS f1,
  ARRAY[ARRAY[1, 2], ARRAY[id]] AS f2,
  MAP['k', id, 'l', 2] AS f3,
  ROW(id, s) AS f4,
  (id, s, 1.5) AS f5,
  ARRAY[ROW(1, s), ROW(2, s)] AS f6,
  CARDINALITY(ARRAY[id, id]) AS f7,
  ARRAY[id, 2.5] AS f8,
  CAST(ROW(id, s) AS ROW<x BIGINT, y STRING>).x AS f9,
  ARRAY[s, 'b'][1] AS f10
FROM t;
