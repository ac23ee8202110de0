CREATE TABLE ticks (k STRING, b BOOLEAN, d DOUBLE, s STRING, c DECIMAL(10, 2), dt DATE, l BIGINT, ar ARRAY<INT>, ro ROW<x INT, y STRING>, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'case', 'input' = 'in.jsonl');

SELECT * FROM ticks MATCH_RECOGNIZE (
  PARTITION BY k
  ORDER BY ts
  MEASURES A.b AS b, LAST(A.d) AS d, A.s AS s, A.c AS c, A.dt AS dt, A.l AS l, FIRST(A.ar) AS ar, A.ro AS ro
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B)
  DEFINE A AS A.b, B AS B.d > LAST(A.d) OR B.s <> A.s
);
