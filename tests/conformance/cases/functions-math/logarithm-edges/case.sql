CREATE TABLE t (d DOUBLE) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT d AS f1,
  LN(d) AS f2,
  LOG10(d) AS f3,
  LOG2(d) AS f4,
  LOG(d) AS f5,
  LOG(2, d) AS f6,
  LOG(d, 2) AS f7
FROM t WHERE d > 0;
