CREATE TABLE t (d DOUBLE) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT d, SIN(d) AS f1,
  COS(d) AS f2,
  TAN(d) AS f3,
  COT(d) AS f4,
  ASIN(d) AS f5,
  ACOS(d) AS f6,
  ATAN(d) AS f7,
  ATAN2(d, 2) AS f8,
  SINH(d) AS f9,
  COSH(d) AS f10,
  TANH(d) AS f11,
  DEGREES(d) AS f12,
  RADIANS(d) AS f13,
  PI() AS f14,
  E() AS f15,
  PI AS f16
FROM t;
