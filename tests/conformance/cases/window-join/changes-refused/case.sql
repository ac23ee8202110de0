CREATE TABLE l (id INT, k INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'case', 'input' = 'l.jsonl');
CREATE TABLE r (id INT, k INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/wr.jsonl');
SELECT l.id, r.id AS rid, l.window_start, r.window_end FROM (SELECT * FROM TABLE(TUMBLE(TABLE l, DESCRIPTOR(ts), INTERVAL '5' SECOND))) AS l JOIN (SELECT * FROM TABLE(TUMBLE(TABLE r, DESCRIPTOR(ts), INTERVAL '5' SECOND))) AS r ON l.k = r.k AND l.window_start = r.window_start AND l.window_end = r.window_end;
