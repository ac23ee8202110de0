SET 'table.local-time-zone' = 'Asia/Shanghai';
CREATE TABLE t (ts TIMESTAMP(6), l TIMESTAMP_LTZ(3)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT DATE_FORMAT(ts, 'yyyy-MM-dd HH:mm:ss') AS f1,
  DATE_FORMAT(ts, 'yy/M/d H:m:s') AS f2,
  DATE_FORMAT(ts, 'EEE, d MMM yyyy') AS f3,
  DATE_FORMAT(ts, 'EEEE') AS f4,
  DATE_FORMAT(ts, 'MMMM') AS f5,
  DATE_FORMAT(ts, 'hh:mm a') AS f6,
  DATE_FORMAT(ts, 'SSS') AS f7,
  DATE_FORMAT(ts, 'SSSSSS') AS f8,
  DATE_FORMAT(ts, 'D') AS f9,
  DATE_FORMAT(ts, 'w') AS f10,
  DATE_FORMAT(l, 'yyyy-MM-dd HH:mm:ss.SSS') AS f11,
  DATE_FORMAT(l, 'w') AS f12,
  DATE_FORMAT(l, 'a') AS f13,
  DATE_FORMAT(l, 'HH') AS f14
FROM t;
