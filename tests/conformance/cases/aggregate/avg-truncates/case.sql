CREATE TABLE t (b TINYINT, s SMALLINT, i INT, l BIGINT, f FLOAT, d DOUBLE, c DECIMAL(5, 2)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT AVG(b) AS b, AVG(s) AS s, AVG(i) AS i, AVG(l) AS l, AVG(f) AS f, AVG(d) AS d, AVG(c) AS c FROM t;
