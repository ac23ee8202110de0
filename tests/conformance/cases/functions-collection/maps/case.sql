CREATE TABLE t (id INT, m MAP<STRING, INT>, k ARRAY<STRING>, v ARRAY<INT>) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, CARDINALITY(m) AS f1,
  MAP_KEYS(m) AS f2,
  MAP_VALUES(m) AS f3,
  MAP_ENTRIES(m) AS f4,
  MAP_FROM_ARRAYS(k, v) AS f5,
  m['a'] AS f6,
  MAP_UNION(m, MAP['a', 9]) AS f7,
  MAP['q', id]['q'] AS f8
FROM t;
