CREATE TABLE ticks (sym STRING, id INT, price INT, tax INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/ticks.jsonl');

SELECT * FROM ticks MATCH_RECOGNIZE (
  PARTITION BY sym
  ORDER BY ts
  MEASURES A.id AS a, COUNT(B.id) AS nb, COUNT(C.id) AS nc, COUNT(D.id) AS nd, E.id AS e
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B* C+? D? E)
  DEFINE A AS A.price > 10, B AS B.price > 15, C AS C.price > 10, D AS D.price > 20, E AS E.price > 12
);
