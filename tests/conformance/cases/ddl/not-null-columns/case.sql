CREATE TABLE t (a INT NOT NULL, b INT, s STRING NOT NULL, c CHAR(3), v VARCHAR(5) NOT NULL) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT a, b, a + a AS f1, a + b AS f2, s || 'x' AS f3, c || v AS f4, COALESCE(b, a) AS f5, CASE WHEN a > 1 THEN s END AS f6, CHAR_LENGTH(v) AS f7, a > 1 AS f8, UPPER(v) AS f9, SUBSTRING(s, 1, 2) AS f10 FROM t;
