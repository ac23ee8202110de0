CREATE TABLE t (s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s, s SIMILAR TO '(foo|bar)%' AS alt, s SIMILAR TO '[a-c]+' AS f_class, s SIMILAR TO '[0-9]{2,3}' AS digits,
  s NOT SIMILAR TO 'foo_' AS not_foo, s SIMILAR TO '_' AS one_char
FROM t;
