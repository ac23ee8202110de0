CREATE TABLE t (id INT NOT NULL, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT t.id, x.n FROM t CROSS JOIN (SELECT COUNT(*) AS n FROM t WHERE FALSE) AS x;
