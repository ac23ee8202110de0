CREATE TABLE ticks (sym STRING, id INT, price INT, tax INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/ticks.jsonl');

SELECT UPPER(sym) AS s, a, b FROM (SELECT sym, id, price * 2 AS p, ts FROM ticks WHERE price > 3) MATCH_RECOGNIZE (
  PARTITION BY sym ORDER BY ts MEASURES A.id AS a, B.id AS b PATTERN (A B) DEFINE A AS A.p > 20, B AS B.p < A.p) AS m WHERE a > 5;
