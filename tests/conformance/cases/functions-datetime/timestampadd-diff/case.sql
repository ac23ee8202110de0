CREATE TABLE t (id INT, a TIMESTAMP(3), b TIMESTAMP(3)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, TIMESTAMPDIFF(SECOND, a, b) AS d_second,
  TIMESTAMPDIFF(MINUTE, a, b) AS d_minute,
  TIMESTAMPDIFF(HOUR, a, b) AS d_hour,
  TIMESTAMPDIFF(DAY, a, b) AS d_day,
  TIMESTAMPDIFF(WEEK, a, b) AS d_week,
  TIMESTAMPDIFF(MONTH, a, b) AS d_month,
  TIMESTAMPDIFF(QUARTER, a, b) AS d_quarter,
  TIMESTAMPDIFF(YEAR, a, b) AS d_year,
  TIMESTAMPADD(SECOND, -1, a) AS a_second,
  TIMESTAMPADD(MINUTE, 90, a) AS a_minute,
  TIMESTAMPADD(HOUR, 25, a) AS a_hour,
  TIMESTAMPADD(DAY, -1, a) AS a_day,
  TIMESTAMPADD(WEEK, 1, a) AS a_week,
  TIMESTAMPADD(MONTH, 1, a) AS a_month,
  TIMESTAMPADD(QUARTER, 1, a) AS a_quarter,
  TIMESTAMPADD(YEAR, -1, a) AS a_year
FROM t;
