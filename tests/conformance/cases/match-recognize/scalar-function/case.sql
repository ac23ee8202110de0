CREATE TABLE ticks (sym STRING, id INT, price INT, tax INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/ticks.jsonl');

SELECT * FROM ticks MATCH_RECOGNIZE (
  PARTITION BY sym
  ORDER BY ts
  MEASURES CONCAT(A.sym, '-', CAST(B.id AS STRING)) AS t, ABS(A.price - B.price) AS d, COALESCE(C.price, -1) AS p
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B C?)
  DEFINE A AS MOD(A.id, 2) = 0, B AS CHAR_LENGTH(B.sym) = 1
);
