CREATE TABLE t (id INT, a DECIMAL(37, 1), b DECIMAL(1, 0), c DECIMAL(37, 37), i INT, bb BIGINT, g DOUBLE) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT SUM(a) AS x0, AVG(a) AS x1, SUM(b) AS x2, AVG(b) AS x3, MIN(c) AS x4, MAX(c) AS x5, SUM(DISTINCT c) AS x6, SUM(a) / COUNT(*) AS x7, SUM(a * b) AS x8, AVG(a + c) AS x9, SUM(a) + SUM(b) AS x10 FROM t;
