CREATE TABLE t (id INT, s STRING, p STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, REGEXP_COUNT(s, p) AS f1,
  REGEXP_INSTR(s, p) AS f2,
  REGEXP_SUBSTR(s, p) AS f3,
  REGEXP_EXTRACT_ALL(s, '([a-z])', 1) AS f4,
  REGEXP_EXTRACT_ALL(s, p, 0) AS f5
FROM t;
