CREATE TABLE c (id INT, k INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/wl.jsonl');
CREATE TABLE s (k INT, name STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/s.jsonl');
CREATE TEMPORARY VIEW j AS SELECT id, ts, EXISTS (SELECT 1 FROM s WHERE s.k = c.k) AS f FROM c;
SELECT window_start, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE j, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end;
