CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
CREATE TEMPORARY VIEW j AS SELECT l.id, l.k, r.w FROM l LEFT JOIN r ON l.k = r.k;
SELECT id, w FROM j WHERE w = 'x' OR w = 'u';
