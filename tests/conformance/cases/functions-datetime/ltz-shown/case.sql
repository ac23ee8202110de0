SET 'table.local-time-zone' = 'Asia/Kathmandu';
CREATE TABLE t (id INT, l TIMESTAMP_LTZ(3)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, l, CAST(l AS STRING) AS f1,
  CAST(l AS DATE) AS f2,
  CAST(l AS TIME(0)) AS f3,
  CAST(l AS TIMESTAMP(3)) AS f4,
  l = TO_TIMESTAMP_LTZ(1704067200000, 3) AS f5,
  l > CAST(TIMESTAMP '2024-01-01 05:00:00' AS TIMESTAMP_LTZ(3)) AS f6
FROM t;
