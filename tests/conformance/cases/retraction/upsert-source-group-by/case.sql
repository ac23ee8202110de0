CREATE TABLE t (id INT, shop STRING, v INT, note STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'in.jsonl', 'changelog' = 'upsert');

SELECT shop, COUNT(*) AS n, SUM(v) AS s, MAX(v) AS most FROM t WHERE v < 100 OR v IS NULL GROUP BY shop HAVING COUNT(*) < 3;
