CREATE TABLE t (id INT, s STRING, n INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, ASCII(s) AS f1,
  CHR(n) AS f2,
  CHAR_LENGTH(CHR(n)) AS f3
FROM t;
