CREATE TABLE ticks (sym STRING, id INT, price INT, tax INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/ticks.jsonl');

SELECT TUMBLE_START(rt, INTERVAL '5' SECOND) AS w, sym, COUNT(*) AS n, SUM(bp) AS s FROM ticks MATCH_RECOGNIZE (
  PARTITION BY sym ORDER BY ts
  MEASURES B.price AS bp, MATCH_ROWTIME() AS rt
  PATTERN (A B) DEFINE A AS A.price > 5, B AS B.price < A.price
) AS m GROUP BY sym, TUMBLE(rt, INTERVAL '5' SECOND);
