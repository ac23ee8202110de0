SELECT a FROM (VALUES (1, 'x')) AS t (a)
----
SELECT b FROM (VALUES (1)) AS t (a)
----
SELECT t.amuont FROM (VALUES (1, 2)) AS t (amount, price)
----
SELECT tt.a FROM (VALUES (1)) AS t (a)
----
WITH w (a, b) AS (SELECT 1) SELECT * FROM w
----
WITH w AS (SELECT * FROM x), x AS (SELECT 1) SELECT * FROM w
----
SELECT 1 UNION SELECT 1, 2
----
SELECT 1 UNION ALL SELECT TIMESTAMP '2024-01-01 00:00:00'
----
VALUES (1, 2), (3)
----
SELECT * FROM LATERAL TABLE(SPLIT('a', 'b')) AS t
----
SELECT * FROM LATERAL TABLE(SPLITT('a')) AS t
----
SELECT * FROM LATERAL TABLE(UPPER('a')) AS t
----
SELECT w FROM (VALUES ('a b')) AS t (s), LATERAL TABLE(SPLIT(s)) AS u (w, p, q)
----
SELECT SUM(a) FROM (VALUES (1)) AS t (a) WHERE SUM(a) > 1
----
SELECT a,
       UPER('x')
FROM (VALUES (1)) AS t (a)
----
SELECT a + 'x' FROM (VALUES (TRUE)) AS t (a)
----
SELECT COUNT(a, 1) FROM (VALUES (1)) AS t (a)
----
SELECT a FROM (VALUES (1)) AS t (a) GROUP BY a HAVING b > 1
----
SELECT ROW(1, 'x').c
----
SELECT a FROM (VALUES (1)) AS t (a) ORDER BY a
----
SELECT a FROM (VALUES (1)) AS t (a) JOIN (VALUES (1)) AS u (b)
----
SELECT * FROM other.t
----
SELECT * FROM default_catalog.default_databse.t
----
SELECT * FROM a.b.c.d
----
SELECT a FROM (VALUES (1)) AS t (a) UNION SELECT a FROM (VALUES (1)) AS t (a) INTERSECT SELECT 1, 2
----
SELECT x.a FROM (VALUES (1)) AS x (a), LATERAL TABLE(SPLIT('a')) AS x (a, b)
----
SELECT a FROM (VALUES (1)) AS t (a) JOIN (VALUES (1)) AS u (a) ON t.a = u.a
----
SELECT t.a FROM (VALUES (1)) AS t (a) JOIN (VALUES (1)) AS u (b) USING (a)
----
SELECT t.a FROM (VALUES (1)) AS t (a) JOIN (VALUES (1)) AS t (a) ON TRUE
----
SELECT /*+ STATE_TTL('v' = '1 d') */ t.a FROM (VALUES (1)) AS t (a) JOIN (VALUES (1)) AS u (b) ON a = b
----
SELECT t.a FROM (VALUES (1)) AS t (a) JOIN (VALUES (1)) AS u (b) ON a + b
----
SELECT a FROM (VALUES (1)) AS t (a) WHERE a IN (SELECT b, c FROM (SELECT a AS b, a AS c FROM (VALUES (2)) AS w (a)) AS u WHERE b > 0)
