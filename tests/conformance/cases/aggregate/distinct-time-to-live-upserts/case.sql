SET 'table.exec.state.ttl' = '600 ms';
CREATE TABLE t (id INT, k STRING, v INT, s STRING, pt AS PROCTIME(), PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 't.jsonl', 'changelog' = 'upsert');
SELECT DISTINCT s FROM t;
