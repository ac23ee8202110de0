SELECT a + b || c * d || e, a || b + c, a - b - c, a / b * c % d
----
SELECT a OR b AND c OR NOT d, NOT a = b AND c, a = NOT b
----
SELECT a = b IS DISTINCT FROM c + 1, a IS NOT DISTINCT FROM b, a = b IS NULL, a IS NULL = b, a IS NOT TRUE IS NULL, a AND b IS UNKNOWN
----
SELECT a = b BETWEEN 1 AND 2, a BETWEEN 1 AND b = c, a NOT BETWEEN SYMMETRIC 1 + 2 AND 3 + 4 AND d
----
SELECT a IN (1) = b, a = b IN (1, 2), a NOT IN (SELECT b FROM t), (a, b) IN ((1, 2), (3, 4))
----
SELECT a LIKE b || c ESCAPE 'x' AND d, a NOT SIMILAR TO b, a LIKE b IN (c), a NOT LIKE 'x%'
----
SELECT -a * b, - - a, -a[1], 1 - -1, -a.b, +a, -f(x).y
----
SELECT a[1][2].b[3], (a).b[1], f(x).y.z, a.b.c, t.`x y`.z
----
SELECT CASE WHEN a THEN b END, CASE a WHEN 1 THEN 2 WHEN 3 THEN 4 ELSE 5 END
----
SELECT (a), (a, b), ROW(a, b), ((a, b)), (SELECT 1), ((SELECT 1) + 1), ((SELECT 1) UNION (SELECT 2)), EXISTS (SELECT 1)
----
SELECT ARRAY[1, 2], ARRAY[], MAP['a', 1, 'b', 2], MAP[], map FROM t
----
SELECT a <> b, a != b, a <= b, a >= b, a < b, a > b
----
SELECT a OR b OR c OR d OR e OR f OR g OR h OR i OR j
----
SELECT CAST(a AS INT), TRY_CAST(b AS VARCHAR(10)), CAST(c AS CHAR(3)), CAST(d AS BINARY(4)), CAST(e AS VARBINARY), CAST(NULL AS ARRAY<INT NOT NULL>)
----
SELECT a IS JSON, a IS NOT JSON OBJECT, a IS JSON SCALAR AND b
----
SELECT (a, b) OVERLAPS (c, INTERVAL '1' HOUR) AND d
----
SELECT x = ANY (SELECT 1), x <> ALL (SELECT 1), x < SOME (SELECT 1), x >= ALL (SELECT 1)
