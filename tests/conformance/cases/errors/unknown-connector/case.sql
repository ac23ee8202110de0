CREATE TABLE t (a INT) WITH ('connector' = 'nope');
SELECT * FROM t;
