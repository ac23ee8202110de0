SELECT 1 + 1 AS two, UPPER('x') AS x, 7 / 2 AS q, 7.0 / 2 AS dq, -7 / 2 AS nq, -7 % 3 AS m;
