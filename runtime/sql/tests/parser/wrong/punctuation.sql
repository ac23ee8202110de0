SELECT "a" FROM t
----
SELECT 'a
----
SELECT `a FROM t
----
SELECT ``
----
SELECT a /* comment
----
SELECT (a + 1 FROM t
----
SELECT a) FROM t
----
SELECT a FROM t WHERE a = 1 AND
----
SELECT a = = b
----
SELECT a # b
----
SELECT a::INT
----
SELECT f(a
----
SELECT a FROM t SELECT b
----
SELECT x IN ()
----
SELECT 'a' 'b'
----
SELECT U&'\00'
----
SELECT U&'\d83d'
----
SELECT X'0G', X'012'
----
SELECT X'012'
----
SELECT MAP['a']
----
SELECT a FROM t AS x /*+ OPTIONS('a' = 'b') */
----
SELECT /*+ OPTIONS('a' = b) */ a FROM t
----
SELECT a FROM t LIMIT -1
----
VALUES (1, 2), (3)
----
SELECT a FROM t MATCH_RECOGNIZE (PATTERN (A
----
1 + 2
