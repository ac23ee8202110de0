CREATE TABLE ticks (sym STRING, id INT, price INT, tax INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/ticks.jsonl');

SELECT * FROM (SELECT sym, id, price, window_time AS wt FROM TABLE(TUMBLE(TABLE ticks, DESCRIPTOR(ts), INTERVAL '5' SECOND))) MATCH_RECOGNIZE (
  PARTITION BY sym ORDER BY wt, id MEASURES A.id AS a, B.id AS b PATTERN (A B) DEFINE A AS A.price > 10, B AS B.price < A.price);
