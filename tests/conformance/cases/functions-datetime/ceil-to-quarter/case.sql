CREATE TABLE t (id INT, k STRING, s STRING, v INT, w INT, dt DATE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT id, FLOOR(dt TO QUARTER) AS a, CEIL(dt TO QUARTER) AS b, FLOOR(ts TO QUARTER) AS c, CEIL(ts TO QUARTER) AS d FROM t;
