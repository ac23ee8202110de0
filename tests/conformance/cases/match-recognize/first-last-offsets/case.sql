CREATE TABLE ticks (sym STRING, id INT, price INT, tax INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/ticks.jsonl');

SELECT * FROM ticks MATCH_RECOGNIZE (
  PARTITION BY sym
  ORDER BY ts
  MEASURES FIRST(A.id) AS f0, FIRST(A.id, 1) AS f1, FIRST(A.id, 5) AS f5, LAST(A.id, 0) AS l0, LAST(A.id, 1) AS l1, LAST(A.id, 9) AS l9, B.id AS b
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A+ B)
  DEFINE A AS A.price > 10, B AS B.price <= 10 OR B.price IS NULL
);
