CREATE TABLE ticks (sym STRING, id INT NOT NULL, price INT, tax INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/ticks.jsonl');

SELECT * FROM ticks MATCH_RECOGNIZE (
  PARTITION BY sym
  ORDER BY ts
  MEASURES A.id AS a, B.id AS b, FIRST(B.id) AS fb, COUNT(B.id) AS nb, SUM(B.id) AS sb, MAX(A.id) AS ma, C.id + 1 AS c, id AS any_id
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B* C)
  DEFINE A AS A.price > 15, B AS B.price > 20, C AS C.price < 20
);
