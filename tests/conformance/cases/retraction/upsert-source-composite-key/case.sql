CREATE TABLE t (v INT, a STRING, b INT, PRIMARY KEY (b, a) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'in.jsonl', 'changelog' = 'upsert');
SELECT a, SUM(v) AS s FROM (SELECT a, v FROM t UNION ALL SELECT a || '!', v FROM t WHERE b > 1) GROUP BY a;
