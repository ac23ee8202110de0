CREATE TABLE ticks (sym STRING, id INT, price INT, tax INT, ts TIMESTAMP(3), pt AS PROCTIME())
WITH ('connector' = 'case', 'input' = '../../../inputs/ticks.jsonl');

SELECT * FROM (SELECT sym, SUM(price) AS p, MAX(pt) AS x FROM ticks GROUP BY sym) MATCH_RECOGNIZE (
  PARTITION BY sym ORDER BY x MEASURES A.p AS a PATTERN (A B) DEFINE B AS B.p > A.p);
