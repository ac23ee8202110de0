CREATE TABLE t (id INT, s STRING, p STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, TO_BASE64(s) AS f1,
  FROM_BASE64(TO_BASE64(s)) AS f2,
  HEX(s) AS f3,
  HEX(id) AS f4,
  HEX(-id) AS f5,
  UNHEX(HEX(s)) AS f6,
  UNHEX('F') AS f7,
  UNHEX('zz') AS f8,
  DECODE(UNHEX('68C3A9'), 'UTF-8') AS f9
FROM t;
