CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
SELECT l.id, r.id AS rid, UPPER(r.w) AS w FROM l LEFT JOIN r ON CAST(l.k AS STRING) = SUBSTRING(CAST(r.id AS STRING) FROM 2);
