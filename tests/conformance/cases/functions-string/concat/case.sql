CREATE TABLE t (id INT, s STRING, p STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, s || '-' || p AS f1,
  CONCAT(s, '/', p) AS f2,
  CONCAT_WS('~', s, p, 'end') AS f3,
  CONCAT_WS(p, 'a', s, 'b') AS f4,
  CONCAT(s) AS f5,
  CONCAT_WS('', 'x', CAST(NULL AS STRING)) AS f6
FROM t;
