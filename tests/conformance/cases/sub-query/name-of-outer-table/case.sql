CREATE TABLE t (id INT NOT NULL, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 't.jsonl');
CREATE TABLE r (id INT, r STRING, t INT, v INT) WITH ('connector' = 'case', 'input' = 'r.jsonl');
SELECT t.id FROM t WHERE EXISTS (SELECT 1 FROM r WHERE r.v = t.v);
