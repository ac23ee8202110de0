CREATE TABLE t (a INT, b STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');

SELECT ALL a FROM t UNION ALL (SELECT a * 10 FROM t UNION DISTINCT SELECT 20) UNION ALL (VALUES (7), (8));
