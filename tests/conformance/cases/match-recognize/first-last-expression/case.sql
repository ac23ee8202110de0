CREATE TABLE ticks (sym STRING, id INT, price INT, tax INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/ticks.jsonl');

SELECT * FROM ticks MATCH_RECOGNIZE (
  PARTITION BY tax
  ORDER BY ts
  MEASURES FIRST(A.price * 2 + A.tax) AS f, LAST(A.price - A.tax, 1) AS l, UPPER(LAST(A.sym)) AS s
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A{2} B)
  DEFINE A AS A.price > 10
);
