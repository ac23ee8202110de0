CREATE TABLE t (n BIGINT, d DOUBLE, i INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT TO_TIMESTAMP_LTZ(d, 0) AS f1,
  TO_TIMESTAMP_LTZ(d, 3) AS f2,
  TO_TIMESTAMP_LTZ(d) AS f3,
  TO_TIMESTAMP_LTZ(d, 6) AS f4,
  TO_TIMESTAMP_LTZ(d, 9) AS f5,
  TO_TIMESTAMP_LTZ(d, 1) AS f6
FROM t;
