CREATE TABLE t (s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s AS f1,
  PARSE_URL(s, 'HOST') AS f2,
  PARSE_URL(s, 'PATH') AS f3,
  PARSE_URL(s, 'QUERY') AS f4,
  PARSE_URL(s, 'REF') AS f5,
  PARSE_URL(s, 'PROTOCOL') AS f6,
  PARSE_URL(s, 'AUTHORITY') AS f7,
  PARSE_URL(s, 'FILE') AS f8,
  PARSE_URL(s, 'USERINFO') AS f9,
  PARSE_URL(s, 'QUERY', 'k') AS f10,
  PARSE_URL(s, 'PATH', 'k') AS f11,
  PARSE_URL(s, 'QUERY', 'k.1') AS f12,
  PARSE_URL(s, 'QUERY', '') AS f13,
  PARSE_URL(s, 'nope') AS f14
FROM t;
