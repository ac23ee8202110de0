CREATE TABLE a (id INT, k INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 'a.jsonl');
CREATE TABLE b (id INT, k INT, tt TIMESTAMP(3), WATERMARK FOR tt AS tt) WITH ('connector' = 'case', 'input' = 'b.jsonl');
CREATE TEMPORARY VIEW j AS SELECT id, ts FROM a WHERE k IN (SELECT k FROM b);
SELECT window_start, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE j, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end;
