CREATE TABLE t (id INT, j STRING, i INT, b BIGINT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, JSON_STRING(PARSE_JSON(j)['a'][i]) AS f1,
  PARSE_JSON(j)['a'][i] IS NULL AS f2,
  JSON_STRING(PARSE_JSON(j)['a'][b]) AS f3,
  JSON_STRING(PARSE_JSON(j)['b']['c']['d']) AS f4,
  JSON_STRING(PARSE_JSON(j)['zz']) AS f5,
  JSON_STRING(PARSE_JSON(j)['n']) AS f6
FROM t;
