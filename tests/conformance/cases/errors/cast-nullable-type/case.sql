CREATE TABLE t (id INT, s STRING, p STRING, q STRING, i INT, j INT, b BIGINT, g DOUBLE, h DOUBLE, m DECIMAL(10, 2), ts TIMESTAMP(3), dt DATE, o BOOLEAN) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT id, CAST(s AS VARCHAR(3) NULL) AS x0 FROM t;
