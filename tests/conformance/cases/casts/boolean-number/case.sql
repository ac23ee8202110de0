CREATE TABLE t (b BOOLEAN, i INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT CAST(b AS INT) AS f1,
  CAST(b AS DOUBLE) AS f2,
  CAST(b AS DECIMAL(3, 1)) AS f3,
  CAST(i AS BOOLEAN) AS f4,
  CAST(b AS STRING) AS f5,
  CAST(b AS TINYINT) AS f6
FROM t;
