CREATE TABLE t (a INT, b STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
CREATE VIEW v1 (x, y) AS SELECT a, b FROM t WHERE a < 3;
CREATE TEMPORARY VIEW v2 (`from`, `a b`) COMMENT 'quoted' AS WITH w AS (SELECT x + 1 AS x1, y FROM v1), u (p) AS (SELECT x1 FROM w) SELECT p, 'u' FROM u UNION ALL SELECT x1, COALESCE(y, 'none') FROM w;
CREATE VIEW IF NOT EXISTS v1 AS SELECT 'never';
WITH v1 AS (SELECT `from` AS n, `a b` AS s FROM v2), v3 AS (SELECT n * 10 AS n, s FROM v1)
SELECT q.n, r.`s` FROM (SELECT n FROM (SELECT n, s FROM v3 WHERE s <> 'u') AS deep) AS q CROSS JOIN UNNEST(ARRAY['l', 'm']) AS r (s);
