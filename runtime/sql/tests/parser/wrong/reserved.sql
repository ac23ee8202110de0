CREATE TABLE t (value INT)
----
CREATE TABLE t (timestamp BIGINT)
----
SELECT t.order FROM t
----
SELECT value FROM t
----
SELECT a AS table FROM t
----
SELECT a FROM user
----
SELECT FROM t
----
SELECT a, FROM t
----
SELECT a FROM WHERE x = 1
----
SELECT date FROM t
