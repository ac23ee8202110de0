CREATE TABLE t (d DOUBLE, i INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT d, i, POWER(d, 2) AS f1,
  POWER(i, d) AS f2,
  POWER(2, i) AS f3,
  SQRT(d) AS f4,
  SQRT(i) AS f5,
  EXP(i) AS f6,
  LN(d) AS f7,
  LOG(d) AS f8,
  LOG(2, d) AS f9,
  LOG2(d) AS f10,
  LOG10(d) AS f11,
  LOG10(i + 1) AS f12
FROM t;
