CREATE TABLE t (id INT, s STRING, p STRING, q STRING, i INT, j INT, b BIGINT, g DOUBLE, h DOUBLE, m DECIMAL(10, 2), ts TIMESTAMP(3), dt DATE, o BOOLEAN) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT id, CAST(ROW(s, i) AS ROW<a VARCHAR(2), b VARCHAR(3)>) AS x0 FROM t;
