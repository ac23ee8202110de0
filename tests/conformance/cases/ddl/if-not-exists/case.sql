CREATE TABLE t (a INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
CREATE TABLE IF NOT EXISTS t (b STRING) WITH ('connector' = 'nope');
DROP TABLE t;
DROP TABLE IF EXISTS t;
CREATE TABLE t (a BIGINT, c AS a + 1) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT * FROM t;
