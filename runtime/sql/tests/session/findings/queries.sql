CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SELECT usr, COUNT(*) FROM clicks GROUP BY usr;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SELECT /*+ STATE_TTL('clicks' = '1 d') */ usr, COUNT(*) FROM clicks GROUP BY usr;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SELECT DISTINCT usr FROM clicks;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SELECT COUNT(DISTINCT usr) FROM clicks;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SELECT usr, n, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY n DESC) AS rn FROM clicks) WHERE rn <= 3;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SELECT usr, s FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY s) AS rn FROM (SELECT usr, url, COUNT(*) AS n, MIN(n) AS lo, SUM(n) AS s FROM clicks GROUP BY usr, url)) WHERE rn <= 3;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SELECT usr, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY ts DESC) AS rn FROM clicks) WHERE rn = 1;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SELECT usr, n, ts, SUM(n) OVER (PARTITION BY usr ORDER BY ts) FROM clicks;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SELECT usr, n FROM (SELECT usr, COUNT(*) AS n FROM clicks GROUP BY usr) WHERE RAND() < 0.5;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SELECT r, COUNT(*) FROM (SELECT usr, n, RAND() AS r FROM (SELECT usr, COUNT(*) AS n FROM clicks GROUP BY usr)) GROUP BY r;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SELECT usr, n, RAND() AS r FROM (SELECT usr, COUNT(*) AS n FROM clicks GROUP BY usr);
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
