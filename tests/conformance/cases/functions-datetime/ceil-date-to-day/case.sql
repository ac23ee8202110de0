CREATE TABLE t (id INT, k STRING, s STRING, v INT, w INT, dt DATE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT id, FLOOR(dt TO DAY) AS a, CEIL(dt TO DAY) AS b, FLOOR(ts TO DAY) AS c, CEIL(ts TO DAY) AS d FROM t;
