CREATE TABLE ticks (sym STRING, id INT, price INT, tax INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/ticks.jsonl');

SELECT * FROM ticks MATCH_RECOGNIZE (
  PARTITION BY sym
  ORDER BY ts
  MEASURES SUM(A.price) * 2 + COUNT(A.price) AS x, CAST(AVG(A.price) AS DOUBLE) / 3 AS d, CASE WHEN MAX(A.price) > 20 THEN 'high' ELSE 'low' END AS c
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A{3} B)
  DEFINE A AS A.price > 10
);
