CREATE TABLE u (id INT, k STRING, v INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'u.jsonl', 'changelog' = 'upsert');
SELECT id, x FROM u CROSS JOIN UNNEST(ARRAY[k]) AS q(x) WHERE v > 2;
