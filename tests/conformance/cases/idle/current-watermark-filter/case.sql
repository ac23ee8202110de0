CREATE TABLE t (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('connector' = 'case', 'input' = 'in.jsonl', 'splits' = '3');

CREATE VIEW stamped AS SELECT k, v, ts, CURRENT_WATERMARK(ts) AS wm FROM t;
CREATE VIEW judged AS SELECT *, wm IS NOT NULL AND ts <= wm AS is_late FROM stamped;
SELECT k, v, wm, is_late FROM judged WHERE NOT is_late OR v = 8;
