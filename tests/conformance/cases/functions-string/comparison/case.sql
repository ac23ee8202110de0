CREATE TABLE t (a STRING, b STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT a, b, a < b AS lt,
  a = b AS eq,
  a > b AS gt,
  GREATEST(a, b) AS f_g,
  LEAST(a, b) AS f_l
FROM t;
