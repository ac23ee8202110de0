CREATE TABLE t (id INT, j STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT JSON_STRING(v) AS f1, COUNT(*) AS f2, SUM(id) AS f3
FROM (SELECT id, TRY_PARSE_JSON(j) AS v FROM t)
WHERE v IS NOT NULL
GROUP BY v;
