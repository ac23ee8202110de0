CREATE TABLE l (id INT, k INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/wl.jsonl');
CREATE TABLE r (id INT, k INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/wr.jsonl');
CREATE TEMPORARY VIEW j AS SELECT l.id, r.id AS rid, l.window_time AS wt FROM (SELECT * FROM TABLE(TUMBLE(TABLE l, DESCRIPTOR(ts), INTERVAL '5' SECOND))) AS l JOIN (SELECT * FROM TABLE(TUMBLE(TABLE r, DESCRIPTOR(ts), INTERVAL '5' SECOND))) AS r ON l.k = r.k AND l.window_start = r.window_start AND l.window_end = r.window_end;
SELECT window_start, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE j, DESCRIPTOR(wt), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
