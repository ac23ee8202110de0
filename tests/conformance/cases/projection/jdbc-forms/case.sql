CREATE TABLE t (id INT, k STRING, s STRING, v INT, w INT, dt DATE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT {d '2020-01-01'} AS a, {ts '2020-01-01 00:00:00'} AS b, {fn ABS(-1)} AS c FROM t;
