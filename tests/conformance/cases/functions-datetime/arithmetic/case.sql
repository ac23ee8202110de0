CREATE TABLE t (id INT, ts TIMESTAMP(3), d DATE, t TIME(0), l TIMESTAMP_LTZ(3)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, ts + INTERVAL '1' DAY AS f1,
  ts - INTERVAL '1' MONTH AS f2,
  ts + INTERVAL '1' YEAR AS f3,
  d + INTERVAL '1' MONTH AS f4,
  d - INTERVAL '10' DAY AS f5,
  ts + INTERVAL '1 02:03:04.005' DAY TO SECOND AS f6,
  ts + INTERVAL '1-3' YEAR TO MONTH AS f7,
  t + INTERVAL '2' HOUR AS f8,
  ts + INTERVAL '10' SECOND * 3 AS f9,
  ts + INTERVAL '1' WEEK AS f10,
  l + INTERVAL '90' MINUTE AS f11
FROM t;
