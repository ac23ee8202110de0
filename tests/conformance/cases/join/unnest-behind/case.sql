CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
SELECT l.id, r.id AS rid, x.e FROM l JOIN r ON l.k = r.k CROSS JOIN UNNEST(ARRAY[l.v, r.w]) AS x (e);
