SET 'table.exec.legacy-cast-behaviour' = 'enabled';
CREATE TABLE t (s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT s, CAST(s AS INT) AS f1, CAST(s AS DATE) AS f2 FROM t;
