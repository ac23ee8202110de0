SET 'table.local-time-zone' = 'America/New_York';
CREATE TABLE t (id INT, l TIMESTAMP_LTZ(3)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, l AS shown,
  FLOOR(l TO DAY) AS f_day,
  FLOOR(l TO HOUR) AS f_hour,
  FLOOR(l TO MONTH) AS f_month,
  CEIL(l TO DAY) AS c_day,
  EXTRACT(HOUR FROM l) AS h,
  EXTRACT(DAY FROM l) AS d,
  HOUR(l) AS h2
FROM t;
