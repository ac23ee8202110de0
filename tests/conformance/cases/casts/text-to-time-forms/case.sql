SET 'table.local-time-zone' = 'UTC';
CREATE TABLE t (id INT, v STRING) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT id, v, TRY_CAST(v AS TIME) AS x0 FROM t;
