CREATE TABLE t (id INT NOT NULL, k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 't.jsonl');
CREATE TABLE r (id INT, r STRING, t INT, v INT) WITH ('connector' = 'case', 'input' = 'r.jsonl');
SELECT r.id, x.n, x.m FROM r LEFT JOIN LATERAL (SELECT COUNT(*) AS n, MAX(v) AS m FROM t WHERE t.k = r.r) AS x ON TRUE;
