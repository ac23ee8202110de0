CREATE TABLE t (id INT, shop STRING, v INT, note STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'in.jsonl', 'changelog' = 'upsert');

SELECT id, shop FROM t;
