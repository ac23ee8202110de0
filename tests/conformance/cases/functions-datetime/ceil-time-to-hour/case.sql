CREATE TABLE t (id INT, i INT, b BIGINT, t TINYINT, sm SMALLINT, d DECIMAL(10,2), e DECIMAL(38,18), f FLOAT, g DOUBLE, v STRING, c VARCHAR(5), dt DATE, tm TIME, ts TIMESTAMP(3), tl TIMESTAMP_LTZ(3), bo BOOLEAN, bin BYTES)
WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT id, CEIL(tm TO HOUR) AS x FROM t;
