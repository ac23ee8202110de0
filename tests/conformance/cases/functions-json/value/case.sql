CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, JSON_VALUE(j, '$.a') AS f1,
  JSON_VALUE(j, '$.b.c[2].d') AS f2,
  JSON_VALUE(j, '$.b') AS f3,
  JSON_VALUE(j, '$') AS f4,
  JSON_VALUE(j, '$.b' DEFAULT 'other' ON ERROR) AS f5,
  JSON_VALUE(j, '$.zz' DEFAULT 'empty' ON EMPTY) AS f6,
  JSON_VALUE(j, '$.[''e f'']') AS f7,
  JSON_VALUE(j, 'strict $.zz' NULL ON EMPTY DEFAULT 'wrong' ON ERROR) AS f8,
  JSON_VALUE(j, '$.n') AS f9,
  JSON_VALUE(j, '$[0]') AS f10
FROM t;
