SET 'table.local-time-zone' = 'Asia/Kolkata';
CREATE TABLE t (k STRING, v INT, ts STRING, et AS TO_TIMESTAMP_LTZ(UNIX_TIMESTAMP(ts) * 1000, 3), WATERMARK FOR et AS et - INTERVAL '10' SECOND)
WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT k, v, window_start AS ws, window_end AS we, window_time AS wt FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(et), INTERVAL '10' SECOND));
