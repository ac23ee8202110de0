SET 'table.local-time-zone' = 'Asia/Shanghai';
CREATE TABLE l (id INT, k INT, ts TIMESTAMP_LTZ(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/wl-ltz.jsonl');
CREATE TABLE r (id INT, k INT, ts TIMESTAMP_LTZ(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('connector' = 'case', 'input' = '../../../inputs/joins/wr-ltz.jsonl');
SELECT l.id, r.id AS rid, l.window_start, r.window_end FROM (SELECT * FROM TABLE(TUMBLE(TABLE l, DESCRIPTOR(ts), INTERVAL '5' SECOND))) AS l LEFT JOIN (SELECT * FROM TABLE(TUMBLE(TABLE r, DESCRIPTOR(ts), INTERVAL '5' SECOND))) AS r ON l.k = r.k AND l.window_start = r.window_start AND l.window_end = r.window_end;
