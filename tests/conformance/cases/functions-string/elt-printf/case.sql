CREATE TABLE t (id INT, s STRING, d DOUBLE) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, ELT(id, 'one', s, 'three') AS f1,
  PRINTF('%s has %d', s, id) AS f2,
  PRINTF('%08.3f|%-5s|%x', d, s, id) AS f3,
  PRINTF('%d%%', id) AS f4
FROM t;
