CREATE TABLE t (id INT, k STRING, s STRING, v INT, w INT, dt DATE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT id, (k, v) = (s, w) AS a, (k, v) <> (s, w) AS b, NOT (k, v) = ('a', 1) AS c, ((k, v) = ('a', 1)) IS UNKNOWN AS e FROM t;
