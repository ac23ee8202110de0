SET 'table.local-time-zone' = 'America/New_York';
CREATE TABLE t (id INT, ts BIGINT, et AS TO_TIMESTAMP_LTZ(ts, 3), WATERMARK FOR et AS et - INTERVAL '1' SECOND) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, CURRENT_WATERMARK(et) AS wm, TIMESTAMPDIFF(SECOND, CURRENT_WATERMARK(et), et) AS ahead, COALESCE(CAST(CURRENT_WATERMARK(et) AS STRING), 'none') AS shown FROM t;
