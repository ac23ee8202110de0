CREATE TABLE c (id INT, k STRING, v INT, s STRING, d DECIMAL(10,2)) WITH ('connector' = 'case','input'='c.jsonl');
SELECT k, COUNT(*) AS n FROM c GROUP BY k HAVING COUNT(*) = 2 OR MAX(v) > 8;
