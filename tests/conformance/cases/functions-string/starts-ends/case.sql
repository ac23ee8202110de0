CREATE TABLE t (id INT, s STRING, p STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, STARTSWITH(s, p) AS f1,
  ENDSWITH(s, p) AS f2,
  STARTSWITH(s, '') AS f3,
  ENDSWITH(s, 'd') AS f4,
  STARTSWITH(x'0102', x'01') AS f5
FROM t;
