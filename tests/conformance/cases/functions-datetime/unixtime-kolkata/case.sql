SET 'table.local-time-zone' = 'Asia/Kolkata';
CREATE TABLE t (id INT, n BIGINT, s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, FROM_UNIXTIME(n) AS f1,
  FROM_UNIXTIME(n, 'dd.MM.yyyy HH:mm') AS f2,
  UNIX_TIMESTAMP(s) AS f3,
  UNIX_TIMESTAMP(s, 'yyyy-MM-dd HH:mm:ss') AS f4,
  CONVERT_TZ(s, 'UTC', 'America/Los_Angeles') AS f5,
  CONVERT_TZ(s, 'Asia/Tokyo', 'GMT-08:00') AS f6,
  DATE_FORMAT(TO_TIMESTAMP_LTZ(n, 0), 'yyyy-MM-dd HH:mm:ss') AS f7,
  CAST(TO_TIMESTAMP_LTZ(n, 0) AS STRING) AS f8,
  CAST(TO_TIMESTAMP_LTZ(n, 0) AS TIMESTAMP(3)) AS f9,
  CAST(CAST(s AS TIMESTAMP(3)) AS TIMESTAMP_LTZ(3)) = TO_TIMESTAMP_LTZ(n, 0) AS f10
FROM t;
