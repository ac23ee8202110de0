CREATE TABLE t (a BOOLEAN, b BOOLEAN) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT a, b, a AND b AS f_and, a OR b AS f_or, NOT a AS f_not, a = b AS f_eq, a <> b AS f_ne,
  a IS TRUE AS is_true, a IS FALSE AS is_false, a IS UNKNOWN AS is_unknown,
  a IS NOT TRUE AS is_not_true, a IS NOT FALSE AS is_not_false, a IS NOT UNKNOWN AS is_not_unknown,
  a IS DISTINCT FROM b AS f_distinct, a IS NOT DISTINCT FROM b AS f_not_distinct
FROM t;
