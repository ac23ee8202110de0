CREATE TABLE ticks (sym STRING, id INT, price INT, tax INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/ticks.jsonl');

SELECT sym, COUNT(*) AS n, SUM(d) AS total FROM ticks MATCH_RECOGNIZE (
  PARTITION BY sym ORDER BY ts MEASURES A.price - B.price AS d PATTERN (A B) DEFINE A AS A.price > 5, B AS B.price < A.price) GROUP BY sym;
