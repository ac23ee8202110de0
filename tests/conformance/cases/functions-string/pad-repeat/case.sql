CREATE TABLE t (id INT, s STRING, p STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, LPAD(s, 12, '*') AS f1,
  RPAD(s, 12, 'xy') AS f2,
  LPAD(s, 2, '?') AS f3,
  RPAD(s, 0, '?') AS f4,
  LPAD(s, -1, '?') AS f5,
  LPAD(s, 15, '') AS f6,
  RPAD(s, 12, p) AS f7,
  REPEAT(p, 3) AS f8,
  REPEAT(p, 0) AS f9,
  REPEAT(p, -1) AS f10
FROM t;
