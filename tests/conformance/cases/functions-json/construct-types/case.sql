CREATE TABLE t (id INT, f FLOAT, d DOUBLE, s STRING, tz TIMESTAMP_LTZ(3), ts TIMESTAMP(6), m MAP<STRING, INT>, n INT NOT NULL, c DECIMAL(10,2), e DECIMAL(20, 18), ti TINYINT, si SMALLINT, bi BIGINT, r ROW<b INT, `a"x` STRING, ts TIMESTAMP(3)>, bin BYTES, rr ARRAY<ROW<x INT>>, mm MAP<STRING, ARRAY<INT>>) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, JSON_ARRAY(f, d, s, tz, ts, m, c, ti, r, bin, rr, mm NULL ON NULL) AS f1,
  JSON_ARRAY(f, s, r, m) AS f2,
  JSON_OBJECT('z' VALUE id, 'a' VALUE s, 'é' VALUE 1, 'A' VALUE n, '' VALUE TRUE) AS f3,
  JSON_OBJECT('a' VALUE id, 'a' VALUE s, 'b' VALUE CAST(NULL AS INT)) AS f4,
  JSON_OBJECT('a' VALUE s, 'a' VALUE CAST(NULL AS INT) ABSENT ON NULL) AS f5,
  JSON_OBJECT('q"' : bi, KEY 'k' VALUE si NULL ON NULL) AS f6,
  JSON_ARRAY('NULL ON NULL', 'FORMAT JSON', 'VALUE') AS f7
FROM t;
