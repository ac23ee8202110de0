CREATE TABLE a (id INT, k INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 'a.jsonl');
CREATE TABLE b (id INT, k INT, tt TIMESTAMP(3), WATERMARK FOR tt AS tt) WITH ('connector' = 'case', 'input' = 'b.jsonl');
SELECT COUNT(*) AS n FROM (SELECT ts FROM a INTERSECT SELECT tt FROM b) AS x GROUP BY TUMBLE(ts, INTERVAL '5' SECOND);
