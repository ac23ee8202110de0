SET 'table.exec.state.ttl' = '1 h';
CREATE TABLE l (id INT, k INT, v STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/l-changes.jsonl');
CREATE TABLE r (id INT, k INT, w STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/r-changes.jsonl');
SELECT l.id, r.w FROM l FULL JOIN r ON l.k = r.k;
