CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, JSON_EXISTS(j, '$.a') AS f1,
  JSON_EXISTS(j, '$.b.c[2].d') AS f2,
  JSON_EXISTS(j, '$[1]') AS f3,
  JSON_EXISTS(j, 'strict $.a' TRUE ON ERROR) AS f4,
  JSON_EXISTS(j, 'strict $.zz' FALSE ON ERROR) AS f5,
  JSON_EXISTS(j, 'strict $.zz' UNKNOWN ON ERROR) AS f6,
  JSON_EXISTS(j, '$.n') AS f7
FROM t;
