SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '1 s';
SET 'table.exec.mini-batch.size' = '5';
CREATE TABLE t1 (id INT, k STRING, v INT, s STRING, d DECIMAL(10, 2), x BIGINT) WITH ('connector' = 'case', 'input' = '1.jsonl');
CREATE TABLE t2 (id INT, k STRING, v INT, s STRING, d DECIMAL(10, 2), x BIGINT) WITH ('connector' = 'case', 'input' = '2.jsonl');
CREATE TABLE u (id INT, k STRING, v INT, s STRING, d DECIMAL(10, 2), x BIGINT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = '3.jsonl', 'changelog' = 'upsert');
SELECT r6.a0, r8.m FROM (SELECT COUNT(*) AS a0 FROM (SELECT * FROM (SELECT (r1.v + r1.id) AS g0, SUM(r1.v) AS a0 FROM t2 AS r1 GROUP BY (r1.v + r1.id)) AS r2 WHERE EXISTS (SELECT 1 FROM (SELECT r3.d AS g0, r3.id AS g1, GROUPING(r3.d) AS gg, SUM(r3.id) FILTER (WHERE r3.k NOT IN ('a', 'x', 'q')) AS a0, COUNT(DISTINCT CHAR_LENGTH(r3.k)) FILTER (WHERE r3.x <= r3.x) AS a1 FROM u AS r3 GROUP BY ROLLUP (r3.d, r3.id)) AS r4 WHERE r4.g1 = r2.g0 AND r2.a0 < r4.g1)) AS r5) AS r6 LEFT JOIN LATERAL (SELECT MAX(COALESCE(r7.id, r7.id)) AS m FROM t1 AS r7 WHERE r7.x = r6.a0) AS r8 ON TRUE;
