CREATE TABLE t (id INT, s STRING, d DOUBLE, c DECIMAL(6, 3), ts TIMESTAMP(3), b BOOLEAN) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT JSON_OBJECT('id' VALUE id, 's' VALUE s) AS f1,
  JSON_OBJECT(KEY 'k' VALUE s ABSENT ON NULL) AS f2,
  JSON_OBJECT('in' VALUE JSON_OBJECT('d' VALUE d), 'arr' VALUE JSON_ARRAY(id, c)) AS f3,
  JSON_ARRAY(id, s, d, b) AS f4,
  JSON_ARRAY(id, s NULL ON NULL) AS f5,
  JSON_OBJECT() AS f6,
  JSON_ARRAY() AS f7,
  JSON_OBJECT('ts' VALUE ts, 'c' VALUE c) AS f8,
  JSON_OBJECT('raw' VALUE JSON('{"a":[1]}')) AS f9,
  JSON_ARRAY(ARRAY[1, id], ROW(id, s), MAP['k', d]) AS f10
FROM t;
