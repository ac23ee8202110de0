CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r.jsonl');
SELECT /*+ STATE_TTL('a' = '1 d', 'b' = '12 h') */ a.id, b.w FROM l AS a JOIN r AS b ON a.k = b.k;
