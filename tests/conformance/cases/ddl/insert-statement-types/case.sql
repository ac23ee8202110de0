CREATE TEMPORARY VIEW v (a, b) AS SELECT CAST(x AS BIGINT), y FROM (VALUES (1, 'x'), (2, 'y')) AS t (x, y);
SELECT a, b, TYPEOF(a) AS ta FROM v;
