CREATE TABLE t (i INT, l BIGINT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT i, l, BIN(i) AS f1,
  BIN(l) AS f2,
  HEX(i) AS f3,
  HEX(l) AS f4
FROM t;
