CREATE TABLE t (id INT, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'case', 'input' = 'in.jsonl', 'changelog' = 'upsert');
SELECT TUMBLE_START(ts, INTERVAL '10' SECOND) AS ws, COUNT(*) AS n, SUM(v) AS s FROM t GROUP BY TUMBLE(ts, INTERVAL '10' SECOND);
