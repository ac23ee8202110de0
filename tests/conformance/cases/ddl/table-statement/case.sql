CREATE TABLE t (a INT, b STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');

WITH w AS (TABLE t) SELECT x.a, (x.b) AS b FROM (TABLE w) AS x WHERE a IN (1, 3);
