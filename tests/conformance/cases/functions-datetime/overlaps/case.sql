CREATE TABLE t (id INT, a TIMESTAMP(3), b TIMESTAMP(3), c TIMESTAMP(3), d TIMESTAMP(3)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, (a, b) OVERLAPS (c, d) AS f1,
  (a, INTERVAL '1' HOUR) OVERLAPS (c, INTERVAL '10' MINUTE) AS f2
FROM t;
