CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT, k INT, w STRING, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r2.jsonl');
SELECT l.id, r.w FROM l LEFT JOIN r ON l.k = r.k;
