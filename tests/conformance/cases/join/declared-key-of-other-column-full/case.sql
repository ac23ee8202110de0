CREATE TABLE l (id INT, k INT, v STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l2.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
SELECT l.id, l.v, r.w FROM l FULL JOIN r ON l.k = r.k;
