CREATE TABLE ticks (sym STRING, id INT, price INT, tax INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/ticks.jsonl');

SELECT * FROM ticks MATCH_RECOGNIZE (
  PARTITION BY sym
  ORDER BY ts
  MEASURES COUNT(*) AS n, COUNT(A.price) AS na, SUM(A.price) AS s, AVG(A.price) AS av, MIN(A.price) AS mn, MAX(A.price) AS mx, SUM(A.price * A.tax) AS st, SUM(price) AS sall, B.id AS b
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A+ B)
  DEFINE A AS A.price > 10, B AS B.price < 18
);
