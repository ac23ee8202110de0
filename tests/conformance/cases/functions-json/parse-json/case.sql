CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, JSON_STRING(TRY_PARSE_JSON(j)) AS f1,
  TRY_PARSE_JSON(j) IS NULL AS f2,
  CASE WHEN id = 1 THEN JSON_STRING(PARSE_JSON(j)['a'][2]) END AS f3,
  CASE WHEN id = 1 THEN JSON_STRING(PARSE_JSON(j)['zz']) END AS f4
FROM t;
