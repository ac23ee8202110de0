CREATE TABLE l (id INT, k INT, pt AS PROCTIME()) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/wl.jsonl');
CREATE TABLE r (id INT, k INT, pt AS PROCTIME()) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/wr.jsonl');
SELECT l.id, r.id AS rid FROM (SELECT * FROM TABLE(TUMBLE(TABLE l, DESCRIPTOR(pt), INTERVAL '5' SECOND))) AS l JOIN (SELECT * FROM TABLE(TUMBLE(TABLE r, DESCRIPTOR(pt), INTERVAL '5' SECOND))) AS r ON l.k = r.k AND l.window_start = r.window_start AND l.window_end = r.window_end;
