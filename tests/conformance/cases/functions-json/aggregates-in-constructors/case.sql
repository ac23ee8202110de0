CREATE TABLE t (k STRING NOT NULL, v INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT k, JSON_OBJECT('n' VALUE COUNT(*), 's' VALUE SUM(v), 'l' VALUE JSON_ARRAYAGG(v), 'k' VALUE k, 'j' VALUE JSON(k)) AS f1,
  JSON_ARRAY(MAX(v), JSON_OBJECT('min' VALUE MIN(v))) AS f2,
  JSON_VALUE(JSON_ARRAYAGG(v), '$[0]') AS f3
FROM t GROUP BY k
HAVING JSON_EXISTS(k, '$.a');
