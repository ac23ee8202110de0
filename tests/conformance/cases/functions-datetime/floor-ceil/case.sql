CREATE TABLE t (id INT, ts TIMESTAMP(3), d DATE, t TIME(0), l TIMESTAMP_LTZ(3)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, FLOOR(ts TO YEAR) AS f_year,
  FLOOR(ts TO QUARTER) AS f_quarter,
  FLOOR(ts TO MONTH) AS f_month,
  FLOOR(ts TO WEEK) AS f_week,
  FLOOR(ts TO DAY) AS f_day,
  FLOOR(ts TO HOUR) AS f_hour,
  FLOOR(ts TO MINUTE) AS f_minute,
  FLOOR(ts TO SECOND) AS f_second,
  CEIL(ts TO YEAR) AS c_year,
  CEIL(ts TO MONTH) AS c_month,
  CEIL(ts TO DAY) AS c_day,
  CEIL(ts TO HOUR) AS c_hour,
  CEIL(ts TO MINUTE) AS c_minute,
  CEIL(ts TO SECOND) AS c_second,
  FLOOR(d TO MONTH) AS dm,
  CEIL(d TO YEAR) AS dy,
  FLOOR(d TO WEEK) AS dw
FROM t;
