CREATE TABLE t (s STRING, b BYTES) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT ENCODE(s, 'GBK') AS f1,
  ENCODE(s, 'GB18030') AS f2,
  ENCODE(s, 'UTF-32') AS f3,
  ENCODE(s, 'UTF-32BE') AS f4,
  ENCODE(s, 'UTF-32LE') AS f5,
  DECODE(b, 'GBK') AS f6,
  DECODE(b, 'GB18030') AS f7,
  DECODE(b, 'UTF-32') AS f8,
  DECODE(b, 'UTF-32LE') AS f9,
  DECODE(b, 'UTF-32BE') AS f10
FROM t;
