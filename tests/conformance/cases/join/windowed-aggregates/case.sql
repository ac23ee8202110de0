CREATE TABLE a (id INT, k INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 'a.jsonl');
CREATE TABLE b (id INT, k INT, tt TIMESTAMP(3), WATERMARK FOR tt AS tt) WITH ('connector' = 'case', 'input' = 'b.jsonl');
SELECT x.k, x.n, y.m FROM (SELECT k, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE a, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end) AS x JOIN (SELECT k, COUNT(*) AS m FROM TABLE(TUMBLE(TABLE b, DESCRIPTOR(tt), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end) AS y ON x.k = y.k;
