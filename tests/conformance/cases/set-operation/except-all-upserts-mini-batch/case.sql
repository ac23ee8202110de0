SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '1 s';
SET 'table.exec.mini-batch.size' = '5';
CREATE TABLE t2 (id INT, k STRING, v INT, s STRING, d DECIMAL(10, 2), x BIGINT) WITH ('connector' = 'case', 'input' = '2.jsonl');
CREATE TABLE u (id INT, k STRING, v INT, s STRING, d DECIMAL(10, 2), x BIGINT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = '3.jsonl', 'changelog' = 'upsert');
SELECT * FROM ((SELECT r2.a0 AS z0, CAST(1.5 * CAST(NULL AS DECIMAL(10, 2)) AS DECIMAL(10, 2)) AS z1 FROM (SELECT r1.s AS g0, COUNT(r1.s) AS a0, COUNT(*) AS a1 FROM u AS r1 GROUP BY r1.s HAVING COUNT(r1.s) IS NOT NULL) AS r2) EXCEPT ALL (SELECT r3.x AS z0, r3.d AS z1 FROM t2 AS r3)) AS zz;
