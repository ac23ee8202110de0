CREATE TABLE ticks (sym STRING, id INT, price INT, tax INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'case', 'input' = 'in.jsonl');

SELECT * FROM ticks MATCH_RECOGNIZE (
  PARTITION BY sym
  ORDER BY ts
  MEASURES A.id AS a, COUNT(B.id) AS n, C.id AS c
  ONE ROW PER MATCH
  AFTER MATCH SKIP TO NEXT ROW
  PATTERN (A B* C) WITHIN INTERVAL '6' SECOND
  DEFINE A AS A.price > 10, B AS B.price <= A.price, C AS C.price > A.price
);
