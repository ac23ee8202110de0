SET 'table.exec.state.ttl' = '600 ms';
CREATE TABLE t (id INT, k STRING, v INT, s STRING, pt AS PROCTIME()) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT DISTINCT s FROM t;
