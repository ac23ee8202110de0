CREATE TABLE ticks (sym STRING, id INT, price INT, tax INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/ticks.jsonl');

SELECT * FROM (SELECT sym, SUM(price) AS p, window_time AS wt FROM TABLE(TUMBLE(TABLE ticks, DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY sym, window_start, window_end, window_time) MATCH_RECOGNIZE (
  PARTITION BY sym ORDER BY wt MEASURES A.p AS a, B.p AS b, B.wt AS bt PATTERN (A B) DEFINE B AS B.p > A.p);
