CREATE TABLE t (s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s, IS_ALPHA(s) AS f1,
  IS_DIGIT(s) AS f2,
  IS_DECIMAL(s) AS f3
FROM t;
