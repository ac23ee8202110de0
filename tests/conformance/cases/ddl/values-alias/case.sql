SELECT v.id, v.amount, name FROM (VALUES (1, 1.5, 'a'), (2, 2, CAST(NULL AS STRING)), (CAST(NULL AS INT), 3.25, 'c')) AS v (id, amount, name) WHERE amount > 1.75;
