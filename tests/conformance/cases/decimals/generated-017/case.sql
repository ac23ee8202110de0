CREATE TABLE t (id INT, a DECIMAL(28, 0), b DECIMAL(9, 3), c DECIMAL(5, 3), i INT, bb BIGINT, g DOUBLE) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT id, ((b * c) * CASE WHEN id > 4 THEN bb ELSE c END) AS x0, ROUND(b, 2) AS x1, ((c + i) * (b - b)) AS x2, (c - (b + b)) AS x3, b AS x4, (b + (b * a)) AS x5, bb AS x6, ROUND(b, 0) AS x7, a = b AS x8, a < c AS x9, b = i AS x10 FROM t;
