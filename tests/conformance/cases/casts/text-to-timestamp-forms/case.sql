SET 'table.local-time-zone' = 'UTC';
CREATE TABLE t (id INT, v STRING) WITH ('connector' = 'case', 'input' = 't.jsonl');
SELECT id, v, TRY_CAST(v AS TIMESTAMP(3)) AS x0, TRY_CAST(v AS TIMESTAMP(6)) AS x1, TRY_CAST(v AS TIMESTAMP(0)) AS x2, TRY_CAST(v AS TIMESTAMP_LTZ(3)) AS x3, TRY_CAST(v AS DATE) AS x4, TRY_CAST(v AS TIME) AS x5 FROM t;
