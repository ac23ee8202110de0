CREATE TABLE t (i INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT i, RAND() >= 0 AND RAND() < 1 AS f1,
  RAND_INTEGER(10) BETWEEN 0 AND 9 AS f2,
  RAND_INTEGER(7, 10) BETWEEN 0 AND 9 AS f3,
  CHAR_LENGTH(UUID()) AS f4,
  UUID() SIMILAR TO '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}' AS f5,
  UUID() = UUID() AS f6,
  RAND(3) >= 0 AS f7
FROM t;
