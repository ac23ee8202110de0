CREATE TABLE t (id INT, shop STRING, v INT, note STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'in.jsonl', 'changelog' = 'upsert');

CREATE VIEW v AS SELECT id, v * 2 AS twice, note FROM t WHERE id <> 2;
SELECT id, twice, twice > 50 AS many FROM v WHERE twice >= 10;
