CREATE TABLE t (id INT, a DECIMAL(37, 1), b DECIMAL(38, 30), c DECIMAL(38, 0), e BIGINT, f DECIMAL(38, 38)) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT id, MAP['x', a, 'y', b] AS x FROM t;
