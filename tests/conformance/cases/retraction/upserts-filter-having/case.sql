CREATE TABLE u (id INT, k STRING, v INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'u.jsonl', 'changelog' = 'upsert');
SELECT id, MAX(v) AS m FROM u GROUP BY id HAVING MAX(v) > 2;
