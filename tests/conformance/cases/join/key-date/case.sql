CREATE TABLE t (i INT, b BIGINT, d DECIMAL(10, 2), e DECIMAL(12, 1), f DOUBLE, s STRING, t TIMESTAMP(3), z TIMESTAMP_LTZ(3), o BOOLEAN, a DATE) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT x.i, y.b FROM t AS x JOIN t AS y ON x.a = y.a;
