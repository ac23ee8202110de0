CREATE TABLE t (id INT, s STRING, p STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, REGEXP(s, p) AS f1,
  REGEXP_REPLACE(s, p, '<$0>') AS f2,
  REGEXP_REPLACE(s, '[aeiou]', '') AS f3,
  REGEXP_EXTRACT(s, p) AS f4,
  REGEXP_EXTRACT(s, p, 0) AS f5,
  REGEXP_EXTRACT(s, p, 1) AS f6,
  REGEXP_EXTRACT(s, p, 2) AS f7
FROM t;
