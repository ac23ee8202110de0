CREATE TABLE t (s STRING, p STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT REGEXP(s, p) AS f1,
  REGEXP_COUNT(s, p) AS f2,
  REGEXP_EXTRACT(s, p) AS f3,
  REGEXP_EXTRACT(s, p, 0) AS f4,
  REGEXP_EXTRACT_ALL(s, p) AS f5,
  REGEXP_EXTRACT_ALL(s, p, 0) AS f6,
  REGEXP_INSTR(s, p) AS f7,
  REGEXP_SUBSTR(s, p) AS f8,
  REGEXP_REPLACE(s, p, '<$0>') AS f9,
  REGEXP_REPLACE(s, p, '') AS f10,
  REGEXP_EXTRACT(s, p, 2) AS f11,
  REGEXP_EXTRACT(s, p, 5) AS f12,
  REGEXP_EXTRACT(s, p, -1) AS f13,
  REGEXP(s, '^f') AS f14
FROM t;
