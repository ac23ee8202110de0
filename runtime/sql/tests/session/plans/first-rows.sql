CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
EXPLAIN CHANGELOG_MODE SELECT usr, n, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY n DESC) AS rn FROM clicks) WHERE rn <= 3;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
EXPLAIN CHANGELOG_MODE SELECT usr, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY n DESC) AS rn FROM clicks) WHERE rn <= 3;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
EXPLAIN CHANGELOG_MODE SELECT usr, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY n DESC) AS rn FROM clicks) WHERE rn = 1;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
EXPLAIN CHANGELOG_MODE SELECT usr, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY pt) AS rn FROM clicks) WHERE rn <= 3;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
EXPLAIN CHANGELOG_MODE SELECT usr, n, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY n DESC) AS rn FROM (SELECT usr, url, COUNT(*) AS n, MIN(n) AS lo, SUM(n) AS s FROM clicks GROUP BY usr, url)) WHERE rn <= 3;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
EXPLAIN CHANGELOG_MODE SELECT usr, lo FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY lo, url) AS rn FROM (SELECT usr, url, COUNT(*) AS n, MIN(n) AS lo, SUM(n) AS s FROM clicks GROUP BY usr, url)) WHERE rn BETWEEN 2 AND 3;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
EXPLAIN CHANGELOG_MODE SELECT usr, s FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY s) AS rn FROM (SELECT usr, url, COUNT(*) AS n, MIN(n) AS lo, SUM(n) AS s FROM clicks GROUP BY usr, url)) WHERE rn <= 3;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
EXPLAIN CHANGELOG_MODE SELECT usr, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY ts) AS rn FROM clicks) WHERE rn = 1;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
EXPLAIN CHANGELOG_MODE SELECT usr, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY ts DESC) AS rn FROM clicks) WHERE rn = 1;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
SET 'table.exec.state.ttl' = '1 h';
EXPLAIN CHANGELOG_MODE SELECT usr, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY pt DESC) AS rn FROM clicks) WHERE rn = 1;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
EXPLAIN CHANGELOG_MODE SELECT usr, n FROM (SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY pt DESC) AS rn FROM clicks) WHERE rn = 1);
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
EXPLAIN CHANGELOG_MODE SELECT usr, n, window_end FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, usr ORDER BY n) AS rn FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' MINUTE))) WHERE rn <= 2;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
EXPLAIN CHANGELOG_MODE SELECT usr FROM clicks ORDER BY n DESC LIMIT 3 OFFSET 1;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
EXPLAIN CHANGELOG_MODE SELECT usr, COUNT(*) AS c FROM clicks GROUP BY usr LIMIT 3;
----
CREATE TABLE clicks (usr STRING, url STRING, n BIGINT, ts TIMESTAMP(3), pt AS PROCTIME(), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'clicks');
EXPLAIN CHANGELOG_MODE SELECT usr FROM clicks ORDER BY ts, n;
