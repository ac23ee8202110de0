SELECT a, b, a + 1 AS c, d FROM (VALUES (1, 'x', 1.5), (2, 'long', CAST(NULL AS DECIMAL(3, 2))), (CAST(NULL AS INT), 'y', 22.25)) AS t (a, b, d);
