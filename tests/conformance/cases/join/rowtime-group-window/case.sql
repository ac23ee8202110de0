CREATE TABLE a (id INT, k INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 'a.jsonl');
CREATE TABLE b (id INT, k INT, tt TIMESTAMP(3), WATERMARK FOR tt AS tt) WITH ('connector' = 'case', 'input' = 'b.jsonl');
SELECT COUNT(*) AS n FROM a JOIN b ON a.k = b.k GROUP BY TUMBLE(a.ts, INTERVAL '5' SECOND);
