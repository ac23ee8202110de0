CREATE TABLE t (id INT, s STRING, p STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, ENCODE(s, 'UTF-8') AS f1,
  ENCODE(s, 'UTF-16BE') AS f2,
  ENCODE(s, 'ISO-8859-1') AS f3,
  DECODE(ENCODE(s, 'UTF-16LE'), 'UTF-16LE') AS f4,
  DECODE(ENCODE(s, 'US-ASCII'), 'US-ASCII') AS f5,
  ENCODE(s, 'UTF-16') AS f6
FROM t;
