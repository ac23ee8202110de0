CREATE TABLE t (k STRING, s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT k, LISTAGG(s) AS l, FIRST_VALUE(s) AS f, LAST_VALUE(s) AS la, ARRAY_AGG(s) AS a FROM t GROUP BY k;
