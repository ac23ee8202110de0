CREATE TABLE t (a INT, b STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');

WITH t AS (SELECT a + 10 AS a FROM t), u AS (SELECT a FROM t)
SELECT a, s FROM (WITH t AS (SELECT a * 2 AS a FROM u) SELECT a, 'inner' AS s FROM t) UNION ALL SELECT a, 'outer' FROM t;
