CREATE TABLE t (b TINYINT, s SMALLINT, i INT, l BIGINT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT SUM(b) AS b, SUM(s) AS s, SUM(i) AS i, SUM(l) AS l FROM t;
