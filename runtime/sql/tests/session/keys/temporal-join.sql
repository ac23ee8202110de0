CREATE TABLE people (id INT, cur STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (id) NOT ENFORCED);
CREATE TABLE rates (cur STRING, rate INT, valid TIMESTAMP(3), WATERMARK FOR valid AS valid, PRIMARY KEY (cur) NOT ENFORCED);
SELECT p.id, p.cur, r.rate FROM people AS p JOIN rates FOR SYSTEM_TIME AS OF p.ts AS r ON p.cur = r.cur
----
CREATE TABLE people (id INT, cur STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (id, cur) NOT ENFORCED);
CREATE TABLE rates (cur STRING, rate INT, valid TIMESTAMP(3), WATERMARK FOR valid AS valid, PRIMARY KEY (cur) NOT ENFORCED);
SELECT p.id, p.cur, r.rate FROM people AS p JOIN rates FOR SYSTEM_TIME AS OF p.ts AS r ON p.cur = r.cur
----
CREATE TABLE people (id INT, cur STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (id) NOT ENFORCED);
CREATE TABLE rates (id INT, rate INT, valid TIMESTAMP(3), WATERMARK FOR valid AS valid, PRIMARY KEY (id) NOT ENFORCED);
SELECT p.id, p.cur, r.rate FROM people AS p JOIN rates FOR SYSTEM_TIME AS OF p.ts AS r ON p.id = r.id
