CREATE TABLE t (id INT NOT NULL, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 't.jsonl');
CREATE TABLE r (id INT, r STRING, t INT, v INT) WITH ('connector' = 'case', 'input' = 'r.jsonl');
SELECT a.id FROM t AS a WHERE EXISTS (SELECT 1 FROM (SELECT r AS a, v FROM r) AS q WHERE a.v = q.v);
