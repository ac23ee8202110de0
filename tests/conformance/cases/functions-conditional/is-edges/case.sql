CREATE TABLE t (s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s AS f1,
  IS_ALPHA(s) AS f2,
  IS_DIGIT(s) AS f3,
  IS_DECIMAL(s) AS f4
FROM t;
