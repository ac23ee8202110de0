CREATE TABLE t1 (id INT, k STRING, v INT, s STRING, d DECIMAL(10, 2), x BIGINT) WITH ('connector' = 'case', 'input' = '1.jsonl');
CREATE TABLE t2 (id INT, k STRING, v INT, s STRING, d DECIMAL(10, 2), x BIGINT) WITH ('connector' = 'case', 'input' = '2.jsonl');
SELECT * FROM ((SELECT (4 + 6) AS z0 FROM (SELECT r1.k AS p0, CAST(4 AS BIGINT) AS p1 FROM t1 AS r1) AS r2) INTERSECT ALL (SELECT r3.v AS z0 FROM t2 AS r3)) AS zz;
