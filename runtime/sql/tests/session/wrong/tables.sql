CREATE TABLE clicks (id INT, o BIGINT METADATA FROM 'ofset')
----
CREATE TABLE clicks (id INT, p DATE METADATA FROM 'partition')
----
CREATE TABLE clicks (id INT) WITH ('connector' = 'kafka', 'scan.startup.mod' = 'earliest-offset')
----
CREATE TABLE clicks (id INT) WITH ('connector' = 'upsert-kafka')
----
CREATE TABLE clicks (id INT);
SELECT id FROM clicks /*+ OPTIONS('speed' = '9') */
----
CREATE TABLE clicks (id INT);
SELECT id FROM clicks /*+ OPTIONS('topic') */
----
CREATE TABLE clicks (id INT);
CREATE VIEW v AS SELECT id FROM clicks;
SELECT id FROM v /*+ OPTIONS('topic' = 'x') */
----
CREATE TABLE clicks (id INT);
SELECT /*+ STATE_TLT('clicks' = '1 d') */ COUNT(*) FROM clicks
----
CREATE TABLE clicks (id INT);
SELECT id FROM clicks /*+ FASTER */
----
CREATE TABLE people (id INT, name STRING);
SELECT name FROM people
----
CREATE TABLE people (id INT, up AS id + 1, PRIMARY KEY (up) NOT ENFORCED)
----
CREATE TABLE people (id INT, PRIMARY KEY (id, id) NOT ENFORCED)
----
CREATE TABLE people (id INT, PRIMARY KEY (idd) NOT ENFORCED)
----
CREATE TABLE clicks (ts TIMESTAMP(3), WATERMARK FOR ts AS SOURCE_WATERMARK())
----
CREATE TABLE clicks (ts TIMESTAMP(3));
SELECT SOURCE_WATERMARK() FROM clicks
----
CREATE TABLE clicks (ts TIMESTAMP(3), WATERMARK FOR ts AS ts);
SELECT CURRENT_WATERMARK(ts + INTERVAL '1' SECOND) FROM clicks
----
CREATE TABLE clicks (id INT, ts TIMESTAMP(3));
SELECT CURRENT_WATERMARK(ts) FROM clicks
----
CREATE TABLE out_table (id INT, ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp');
INSERT INTO out_table SELECT 1, CURRENT_TIMESTAMP
----
CREATE TABLE out_table (id INT, name STRING);
INSERT INTO out_table (id, nam) SELECT 1, 'a'
----
CREATE TABLE out_table (id INT, name STRING);
INSERT INTO out_table (id, id) SELECT 1, 2
----
CREATE TABLE out_table (id INT, name STRING);
INSERT INTO out_table SELECT 1
----
CREATE TABLE out_table (id INT);
INSERT INTO out_table SELECT TRUE
----
INSERT INTO out_tabel SELECT 1
----
CREATE TABLE out_table (id INT);
INSERT OVERWRITE out_table SELECT 1
