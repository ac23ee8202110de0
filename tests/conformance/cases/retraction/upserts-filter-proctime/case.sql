CREATE TABLE u (id INT, k STRING, v INT, pt AS PROCTIME(), PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'u.jsonl', 'changelog' = 'upsert');
SELECT id, k FROM u WHERE v > 2;
