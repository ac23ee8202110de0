CREATE TABLE u (id INT, k STRING, v INT, s STRING, d DECIMAL(10,2), PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'u.jsonl', 'changelog' = 'upsert');
SELECT COUNT(DISTINCT mx) AS n, SUM(DISTINCT mx) AS s2, MIN(mx) AS mn FROM (SELECT k, MAX(v) AS mx FROM u GROUP BY k);
