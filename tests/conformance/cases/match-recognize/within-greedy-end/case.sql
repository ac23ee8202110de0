CREATE TABLE ticks (sym STRING, id INT, price INT, tax INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/ticks.jsonl');

SELECT * FROM ticks MATCH_RECOGNIZE (
  PARTITION BY sym
  ORDER BY ts
  MEASURES A.id AS a, LAST(B.id) AS b, C.id AS c
  ONE ROW PER MATCH
  AFTER MATCH SKIP TO NEXT ROW
  PATTERN (A B+ C) WITHIN INTERVAL '10' SECOND
  DEFINE A AS A.price > 10, B AS B.price > 0 AND B.price < 30, C AS C.price >= 30 OR C.price < 5
);
