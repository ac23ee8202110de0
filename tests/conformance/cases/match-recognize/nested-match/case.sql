CREATE TABLE ticks (sym STRING, id INT, price INT, tax INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/ticks.jsonl');

SELECT * FROM (SELECT * FROM ticks MATCH_RECOGNIZE (
  PARTITION BY sym ORDER BY ts MEASURES A.id AS a, B.price AS p, MATCH_ROWTIME() AS rt PATTERN (A B) DEFINE B AS B.price < A.price)) MATCH_RECOGNIZE (
  PARTITION BY sym ORDER BY rt MEASURES X.a AS x, Y.a AS y, X.p AS xp, Y.p AS yp PATTERN (X Y) DEFINE Y AS Y.p > X.p);
