CREATE TABLE t (a INT, b STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');

SELECT a x, t.*, a, a + 1, b || '!', t.a AS `t.a`, COUNT_ FROM (SELECT a, b, a AS COUNT_ FROM t) t WHERE NOT (a = 2);
