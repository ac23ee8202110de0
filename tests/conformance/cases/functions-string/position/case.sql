CREATE TABLE t (id INT, s STRING, p STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, POSITION(p IN s) AS f1,
  POSITION('' IN s) AS f2,
  INSTR(s, p) AS f3,
  INSTR(s, 'l', 1, 2) AS f4,
  INSTR(s, 'l', -1) AS f5,
  LOCATE(p, s) AS f6,
  LOCATE(p, s, 2) AS f7,
  LOCATE(p, s, 0) AS f8,
  LOCATE('l', s, 4) AS f9
FROM t;
