CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
SELECT /*+ STATE_TTL('l' = '1 d', 'r' = '100 ms') */ l.id, r.id AS rid FROM l JOIN r ON l.k = r.k;
