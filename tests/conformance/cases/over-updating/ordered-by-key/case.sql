CREATE TABLE t2 (id INT, k STRING, v INT, s STRING, d DECIMAL(10, 2), x BIGINT) WITH ('connector' = 'case', 'input' = '2.jsonl');
SELECT r2.p0, r2.p1, r2.p2, r2.p3, MAX(r2.p1) OVER (PARTITION BY r2.p0 ORDER BY r2.p0) AS ov FROM (SELECT r1.v AS p0, CHAR_LENGTH(r1.k) AS p1, r1.x AS p2, r1.v AS p3 FROM t2 AS r1) AS r2;
