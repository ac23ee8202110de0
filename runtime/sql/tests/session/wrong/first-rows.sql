CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SELECT usr, n, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY n DESC) AS rn FROM clicks) WHERE rn >= 2;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SELECT usr, n, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY n DESC) AS rn FROM clicks) WHERE rn <= 0;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SELECT usr FROM clicks ORDER BY n;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SELECT usr FROM clicks OFFSET 3 ROWS;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SELECT usr FROM clicks ORDER BY 2 LIMIT 1;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SELECT usr FROM clicks WHERE ROW_NUMBER() OVER (PARTITION BY usr ORDER BY n) = 1;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SELECT usr FROM (SELECT usr, RANK() OVER (PARTITION BY usr ORDER BY n) AS rn FROM clicks) WHERE rn <= 2;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SELECT usr FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY n) AS rn FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE))) WHERE rn <= n;
----
CREATE TABLE still (usr STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'clicks');
INSERT INTO still (usr) SELECT usr FROM still ON CONFLICT DO ERROR;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SET 'table.exec.sink.upsert-materialize' = 'sometimes';
