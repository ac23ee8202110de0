CREATE TABLE a (id INT, k INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 'a.jsonl');
CREATE TABLE b (id INT, k INT, tt TIMESTAMP(3), WATERMARK FOR tt AS tt) WITH ('connector' = 'case', 'input' = 'b.jsonl');
CREATE TEMPORARY VIEW j AS SELECT a.id, a.ts, b.tt FROM a JOIN b ON a.k = b.k;
SELECT id, window_start FROM TABLE(TUMBLE(TABLE j, DESCRIPTOR(tt), INTERVAL '5' SECOND));
