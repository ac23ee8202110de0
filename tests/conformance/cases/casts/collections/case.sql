CREATE TABLE t (a ARRAY<INT>, m MAP<STRING, INT>, r ROW<x INT, y STRING>) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT CAST(a AS ARRAY<STRING>) AS f1,
  CAST(a AS ARRAY<BIGINT>) AS f2,
  CAST(a AS ARRAY<TINYINT>) AS f3,
  CAST(m AS MAP<INT, DOUBLE>) AS f4,
  CAST(r AS ROW<a STRING, b INT>) AS f5,
  CAST(r AS ROW<a STRING, b INT>).b + 1 AS f6
FROM t;
