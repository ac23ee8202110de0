CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l-changes.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r-changes.jsonl');
SELECT l.id, l.k, r.id AS rid FROM l LEFT JOIN r ON l.k IS NOT DISTINCT FROM r.k;
