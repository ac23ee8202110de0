CREATE TABLE ticks (sym STRING, id INT, price INT, tax INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = '../../../inputs/ticks.jsonl');

SELECT * FROM ticks MATCH_RECOGNIZE (
  ORDER BY ts
  MEASURES LISTAGG(CAST(A.id AS STRING)) AS ids
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A{4})
  DEFINE A AS TRUE
);
