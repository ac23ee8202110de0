CREATE TABLE t (id INT, k STRING, s STRING, v INT, w INT, dt DATE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT * FROM (VALUES (1, 'a'), ROW(2, 'b'), (3, NULL)) AS q(x, y);
