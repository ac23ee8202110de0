CREATE TABLE t (id INT, pt AS PROCTIME()) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, pt IS NOT NULL AS f1, CHAR_LENGTH(CAST(pt AS STRING)) AS f2 FROM t;
