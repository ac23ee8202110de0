CREATE TABLE t (id INT, s STRING, p STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, CHAR_LENGTH(s) AS f1,
  CHARACTER_LENGTH(s) AS f2,
  UPPER(s) AS f3,
  LOWER(s) AS f4,
  INITCAP(s) AS f5,
  REVERSE(s) AS f6
FROM t;
