CREATE TABLE t (s STRING, p STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s LIKE p AS f1,
  s LIKE 'a_c' AS f2,
  s LIKE 'a%c' AS f3,
  s LIKE '_%' AS f4,
  s LIKE '%_' AS f5,
  s LIKE '%b%c%' AS f6,
  s LIKE 'a\_c' AS f7,
  s NOT LIKE 'a_c' AS f8,
  s LIKE 'a_%' AS f9,
  s LIKE '%
%' AS f10,
  s LIKE 'a!_c' ESCAPE '!' AS f11,
  s LIKE '%!%%' ESCAPE '!' AS f12,
  s LIKE '__' AS f13,
  s SIMILAR TO 'a_c' AS f14,
  s SIMILAR TO 'a%c' AS f15,
  s SIMILAR TO '%' AS f16,
  s LIKE 'a.c' AS f17,
  s LIKE 'a\\c' AS f18,
  'abc' LIKE p AS f19,
  s LIKE s AS f20
FROM t;
