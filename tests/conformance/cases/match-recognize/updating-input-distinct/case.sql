CREATE TABLE ticks (sym STRING, id INT, price INT, tax INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/ticks.jsonl');

SELECT * FROM (SELECT DISTINCT sym, price, ts FROM ticks) MATCH_RECOGNIZE (
  PARTITION BY sym ORDER BY ts MEASURES A.price AS a PATTERN (A B) DEFINE B AS B.price > A.price);
