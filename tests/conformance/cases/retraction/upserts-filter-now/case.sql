CREATE TABLE u (id INT, k STRING, v INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'u.jsonl', 'changelog' = 'upsert');
SELECT id, k FROM (SELECT id, k, v, CURRENT_TIMESTAMP AS w FROM u) WHERE v > 2;
