CREATE TABLE t2 (id INT, k STRING, v INT, s STRING, d DECIMAL(10, 2), x BIGINT) WITH ('connector' = 'case', 'input' = '2.jsonl');
CREATE TABLE u (id INT, k STRING, v INT, s STRING, d DECIMAL(10, 2), x BIGINT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = '3.jsonl', 'changelog' = 'upsert');
SELECT r3.z1 AS g0, AVG(COALESCE(r3.z1, r3.z0)) AS a0, COUNT(*) AS a1 FROM ((SELECT r1.v AS z0, r1.id AS z1 FROM u AS r1) EXCEPT ALL (SELECT r2.id AS z0, r2.v AS z1 FROM t2 AS r2)) AS r3 GROUP BY r3.z1;
