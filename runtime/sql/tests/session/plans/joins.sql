CREATE TABLE o (id INT, usr INT, amount DECIMAL(10, 2));
CREATE TABLE p (order_id INT, method STRING, fee BIGINT);
EXPLAIN CHANGELOG_MODE SELECT o.id, p.method FROM o JOIN p ON o.id = p.order_id AND o.usr < p.fee WHERE amount > 10 AND method <> 'x'
----
CREATE TABLE o (id INT, usr INT, amount DECIMAL(10, 2));
CREATE TABLE p (order_id INT, method STRING, fee BIGINT);
EXPLAIN CHANGELOG_MODE SELECT /*+ STATE_TTL('a' = '1 d') */ a.id, b.method FROM o AS a LEFT JOIN p AS b ON a.id + 1 = b.fee AND a.usr > 1 AND b.method = 'x'
----
CREATE TABLE o (id INT, usr INT, amount DECIMAL(10, 2), PRIMARY KEY (id) NOT ENFORCED);
CREATE TABLE p (order_id INT, method STRING, PRIMARY KEY (method) NOT ENFORCED);
EXPLAIN CHANGELOG_MODE SELECT o.id, p.method FROM o FULL JOIN p ON o.id = p.order_id
----
CREATE TABLE o (id INT, usr INT, amount DECIMAL(10, 2));
CREATE TABLE p (order_id INT, method STRING, fee BIGINT);
EXPLAIN CHANGELOG_MODE SELECT o.id FROM o LEFT JOIN p ON o.id = p.order_id WHERE p.fee > 1
----
CREATE TABLE o (id INT, usr INT, amount DECIMAL(10, 2));
CREATE TABLE p (order_id INT, method STRING, fee BIGINT);
EXPLAIN CHANGELOG_MODE SELECT id FROM o WHERE id IN (SELECT order_id FROM p WHERE fee > 1) AND NOT EXISTS (SELECT 1 FROM p WHERE p.order_id = o.id AND p.fee > o.usr)
----
CREATE TABLE o (id INT, usr INT, amount DECIMAL(10, 2));
CREATE TABLE p (order_id INT, method STRING, fee BIGINT);
EXPLAIN CHANGELOG_MODE SELECT id, (SELECT COUNT(*) FROM p WHERE p.order_id = o.id) AS n FROM o WHERE usr = (SELECT MAX(order_id) FROM p)
----
CREATE TABLE o (id INT, usr INT, amount DECIMAL(10, 2));
EXPLAIN CHANGELOG_MODE SELECT id FROM o INTERSECT SELECT usr FROM o
----
CREATE TABLE o (id INT, usr INT, amount DECIMAL(10, 2));
EXPLAIN CHANGELOG_MODE SELECT id FROM o EXCEPT ALL SELECT usr FROM o
----
CREATE TABLE a (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts);
CREATE TABLE b (id INT, v STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts);
EXPLAIN CHANGELOG_MODE SELECT l.id, r.v, l.window_start
FROM (SELECT * FROM TABLE(TUMBLE(TABLE a, DESCRIPTOR(ts), INTERVAL '1' MINUTE))) AS l
LEFT JOIN (SELECT * FROM TABLE(TUMBLE(TABLE b, DESCRIPTOR(ts), INTERVAL '1' MINUTE))) AS r
ON l.id = r.id AND l.window_start = r.window_start AND l.window_end = r.window_end
