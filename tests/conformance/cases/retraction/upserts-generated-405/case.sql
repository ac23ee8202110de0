CREATE TABLE t (id INT, k STRING, v INT, s STRING, d DECIMAL(10,2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '3' SECOND, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 't.jsonl', 'changelog' = 'upsert');
SELECT id, k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS rn FROM t) WHERE rn = 1;
