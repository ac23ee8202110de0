CREATE TABLE t (id INT, s STRING, p STRING, q STRING, i INT, j INT, b BIGINT, g DOUBLE, h DOUBLE, m DECIMAL(10, 2), ts TIMESTAMP(3), dt DATE, o BOOLEAN) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT id, JSON_VALUE(s, 'lax $.b[0]' RETURNING INT NULL ON ERROR) AS x0 FROM t;
