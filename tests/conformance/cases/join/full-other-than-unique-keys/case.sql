CREATE TABLE l (id INT, k INT, v STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l-upserts.jsonl', 'changelog' = 'upsert');
CREATE TABLE r (id INT, k INT, w STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r-upserts.jsonl', 'changelog' = 'upsert');
SELECT l.id, l.v, r.id AS rid, r.w FROM l FULL JOIN r ON l.k = r.k;
