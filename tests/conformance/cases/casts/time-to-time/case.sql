SET 'table.local-time-zone' = 'Asia/Tokyo';
CREATE TABLE t (d DATE, t TIME(0), ts TIMESTAMP(6), l TIMESTAMP_LTZ(3)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT CAST(d AS TIMESTAMP(3)) AS f1,
  CAST(d AS TIMESTAMP_LTZ(3)) AS f2,
  CAST(ts AS DATE) AS f3,
  CAST(ts AS TIME) AS f4,
  CAST(ts AS TIMESTAMP(3)) AS f5,
  CAST(ts AS TIMESTAMP(0)) AS f6,
  CAST(ts AS TIMESTAMP_LTZ(3)) AS f7,
  CAST(l AS TIMESTAMP(3)) AS f8,
  CAST(l AS DATE) AS f9,
  CAST(l AS TIME) AS f10
FROM t;
