CREATE TABLE t (s STRING, n INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s, MD5(s) AS f1,
  SHA1(s) AS f2,
  SHA224(s) AS f3,
  SHA256(s) AS f4,
  SHA384(s) AS f5,
  SHA512(s) AS f6,
  SHA2(s, 256) AS f7,
  SHA2(s, n) AS f8
FROM t;
