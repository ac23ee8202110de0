SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '1 s';
SET 'table.exec.mini-batch.size' = '5';
CREATE TABLE t1 (id INT, k STRING, v INT, s STRING, d DECIMAL(10, 2), x BIGINT) WITH ('connector' = 'case', 'input' = '1.jsonl');
CREATE TABLE t2 (id INT, k STRING, v INT, s STRING, d DECIMAL(10, 2), x BIGINT) WITH ('connector' = 'case', 'input' = '2.jsonl');
SELECT * FROM ((SELECT 'a' AS z0, CAST(r3.l2 AS BIGINT) AS z1 FROM (SELECT r1.s AS l0, r1.d AS l1, r1.id AS l2, r2.v AS r0, r2.d AS r1, r2.id AS r2 FROM t1 AS r1 LEFT JOIN t2 AS r2 ON r1.s IS NOT DISTINCT FROM r2.k AND r1.id < ABS(r2.id)) AS r3) EXCEPT ALL (SELECT CAST(r5.a0 AS STRING) AS z0, CAST(r5.g0 AS BIGINT) AS z1 FROM (SELECT r4.id AS g0, AVG(r4.id) AS a0 FROM t2 AS r4 GROUP BY r4.id HAVING COUNT(*) > 1) AS r5)) AS r6 WHERE r6.z0 NOT IN (SELECT r8.g0 FROM (SELECT r7.s AS g0, SUM(r7.id) AS a0, MIN(r7.d) AS a1 FROM t2 AS r7 GROUP BY r7.s) AS r8) AND r6.z0 IS NOT NULL;
