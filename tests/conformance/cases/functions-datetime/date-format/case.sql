CREATE TABLE t (id INT, ts TIMESTAMP(3), d DATE, t TIME(0), l TIMESTAMP_LTZ(3), s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, DATE_FORMAT(ts, 'yyyy-MM-dd HH:mm:ss.SSS') AS f1,
  DATE_FORMAT(ts, 'yy/M/d h:m:s a') AS f2,
  DATE_FORMAT(ts, 'EEE, d MMM yyyy') AS f3,
  DATE_FORMAT(ts, 'EEEE MMMM D') AS f4,
  DATE_FORMAT(ts, '''day'' dd') AS f5,
  DATE_FORMAT(ts, 'yyyyMMdd') AS f6
FROM t;
