SELECT x.a FROM (VALUES (1)) AS x (a), (VALUES (2)) AS x (a);
