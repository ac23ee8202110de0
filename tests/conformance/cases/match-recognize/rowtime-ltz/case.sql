SET 'table.local-time-zone' = 'Asia/Shanghai';
CREATE TABLE ticks (sym STRING, id INT, price INT, ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
WITH ('connector' = 'case', 'input' = 'in.jsonl');

SELECT * FROM ticks MATCH_RECOGNIZE (
  PARTITION BY sym
  ORDER BY ts
  MEASURES A.id AS a, B.id AS b, MATCH_ROWTIME(ts) AS rt, A.ts AS ats
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B)
  DEFINE A AS A.price > 10, B AS B.price < A.price
);
