CREATE TABLE t (s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s, TRY_CAST(s AS INT) AS f1,
  COALESCE(TRY_CAST(s AS INT), -1) AS f2,
  TRY_CAST(s AS DATE) IS NULL AS f3
FROM t;
