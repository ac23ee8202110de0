CREATE TABLE t (s STRING, b BYTES) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s, CAST(s AS CHAR(3)) || '|' AS f1,
  CAST(s AS VARCHAR(2)) || '|' AS f2,
  CAST(s AS CHAR(6)) || '|' AS f3,
  CAST(b AS BINARY(4)) AS f4,
  CAST(b AS VARBINARY(2)) AS f5,
  CAST(s AS BYTES) AS f6,
  CAST(CAST(s AS BYTES) AS STRING) AS f7
FROM t;
