CREATE TABLE t (id INT, s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, PARSE_URL(s, 'HOST') AS f1,
  PARSE_URL(s, 'PATH') AS f2,
  PARSE_URL(s, 'QUERY') AS f3,
  PARSE_URL(s, 'REF') AS f4,
  PARSE_URL(s, 'PROTOCOL') AS f5,
  PARSE_URL(s, 'AUTHORITY') AS f6,
  PARSE_URL(s, 'FILE') AS f7,
  PARSE_URL(s, 'USERINFO') AS f8,
  PARSE_URL(s, 'QUERY', 'k1') AS f9,
  PARSE_URL(s, 'QUERY', 'k') AS f10,
  PARSE_URL(s, 'host') AS f11,
  URL_ENCODE(s) AS f12,
  URL_DECODE(s) AS f13,
  URL_DECODE(URL_ENCODE(s)) AS f14
FROM t;
