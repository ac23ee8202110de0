CREATE TABLE t (s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s, s LIKE 'a%' AS prefix, s LIKE '%z' AS suffix, s LIKE '%b%' AS has, s LIKE 'a_c' AS one_char, s LIKE '' AS nothing,
  s LIKE '%' AS anything, s NOT LIKE 'a%' AS not_prefix, s LIKE '50\%' ESCAPE '\' AS f_escape, s LIKE '%!_%' ESCAPE '!' AS underscore
FROM t;
