CREATE TABLE t (s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s AS f1,
  TRY_CAST(s AS DATE) AS f2,
  TRY_CAST(s AS TIME) AS f3,
  TRY_CAST(s AS TIME(3)) AS f4,
  TRY_CAST(s AS TIMESTAMP(0)) AS f5,
  TRY_CAST(s AS TIMESTAMP(3)) AS f6,
  TRY_CAST(s AS TIMESTAMP(6)) AS f7,
  TRY_CAST(s AS TIMESTAMP_LTZ(3)) AS f8,
  TO_DATE(s) AS f9,
  TO_TIMESTAMP(s) AS f10,
  TO_DATE(s, 'yyyy-M-d') AS f11,
  TO_TIMESTAMP(s, 'yyyy-MM-dd HH:mm:ss.SSS') AS f12
FROM t;
