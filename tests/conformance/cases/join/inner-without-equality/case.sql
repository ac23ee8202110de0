CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l-changes.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r-changes.jsonl');
SELECT l.id, l.v, r.id AS rid, r.w FROM l JOIN r ON l.id + 8 > r.id;
