CREATE TABLE t (a INT, b STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');

CREATE VIEW v1 AS SELECT CAST(a AS BIGINT) AS a, COALESCE(b, 'none') AS b, CAST(a AS DECIMAL(10, 2)) / 3 AS d FROM t;
CREATE VIEW v2 (k, n, s) AS SELECT b, COUNT(*), SUM(d) FROM v1 GROUP BY b;
SELECT k, n * 2 AS n, s FROM v2 WHERE s > 0.5;
