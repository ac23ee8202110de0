CREATE TABLE t (id INT, s STRING, p STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, REPLACE(s, p, '_') AS f1,
  REPLACE(s, 'l', '') AS f2,
  REPLACE(s, '', '-') AS f3,
  OVERLAY(s PLACING '__' FROM 2) AS f4,
  OVERLAY(s PLACING 'abc' FROM 2 FOR 1) AS f5,
  OVERLAY(s PLACING '' FROM 1 FOR 3) AS f6,
  TRANSLATE(s, 'lo', '01') AS f7,
  TRANSLATE(s, 'abc', 'x') AS f8,
  TRANSLATE(s, '', 'x') AS f9
FROM t;
