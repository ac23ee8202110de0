SET 'table.exec.source.cdc-events-duplicate' = 'true';
CREATE TABLE t (id INT, v INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'in.jsonl', 'changelog' = 'all');
SELECT id, v FROM t;
