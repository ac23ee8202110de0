CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, JSON_EXISTS(j, 'lax $.items[*].zz') AS f1,
  JSON_EXISTS(j, '$.items[?(@.price > 10)]') AS f2,
  JSON_EXISTS(j, 'lax $.zz') AS f3,
  JSON_VALUE(j, '$.items[1].name') AS f4,
  JSON_VALUE(j, 'lax $.items[9].name' DEFAULT 'none' ON EMPTY) AS f5,
  JSON_VALUE(j, '$.items[-1].price') AS f6,
  JSON_QUERY(j, '$.items[*].price') AS f7,
  JSON_QUERY(j, '$..name') AS f8,
  JSON_QUERY(j, '$.items[?(@.price >= 2.5 && @.name != ''c'')].name') AS f9,
  JSON_QUERY(j, '$.items[0:2].name' WITH CONDITIONAL ARRAY WRAPPER) AS f10,
  JSON_QUERY(j, '$.items[0][''name'',''price'']') AS f11,
  JSON_QUERY(j, '$.items[*].name' RETURNING ARRAY<STRING>) AS f12,
  JSON_QUERY(j, '$.items[0]' RETURNING ARRAY<STRING> WITH UNCONDITIONAL ARRAY WRAPPER) AS f13,
  JSON_QUERY(j, '$.items' RETURNING ARRAY<STRING>) AS f14,
  JSON_QUERY(j, '$.items[0]' RETURNING ARRAY<STRING> EMPTY ARRAY ON ERROR) AS f15
FROM t;
