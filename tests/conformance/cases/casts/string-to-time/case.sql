CREATE TABLE t (s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s, TRY_CAST(s AS DATE) AS f1,
  TRY_CAST(s AS TIME) AS f2,
  TRY_CAST(s AS TIMESTAMP(3)) AS f3,
  TRY_CAST(s AS TIMESTAMP(0)) AS f4,
  TRY_CAST(s AS TIMESTAMP_LTZ(3)) AS f5
FROM t;
