CREATE TABLE t (id INT NOT NULL, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 't.jsonl');
CREATE TABLE r (id INT, r STRING, t INT, v INT) WITH ('connector' = 'case', 'input' = 'r.jsonl');
SELECT id FROM t WHERE t.v IN (SELECT x.v FROM (SELECT t, v FROM r) AS x WHERE t.k = 'a');
