CREATE TABLE t (id INT, ts TIMESTAMP(3), d DATE, t TIME(0), l TIMESTAMP_LTZ(3)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, YEAR(d) AS f1,
  QUARTER(d) AS f2,
  MONTH(ts) AS f3,
  WEEK(d) AS f4,
  DAYOFYEAR(d) AS f5,
  DAYOFMONTH(ts) AS f6,
  DAYOFWEEK(d) AS f7,
  HOUR(ts) AS f8,
  MINUTE(ts) AS f9,
  SECOND(ts) AS f10,
  HOUR(t) AS f11,
  MINUTE(t) AS f12,
  SECOND(t) AS f13
FROM t;
