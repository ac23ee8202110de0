CREATE TABLE t (a INT, b STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');

SET 'table.local-time-zone' = 'Asia/Tokyo';
RESET 'table.local-time-zone';
SET 'table.exec.state.ttl' = '1 h';
RESET;
SET 'table.local-time-zone' = 'America/New_York';
SELECT CAST(TO_TIMESTAMP_LTZ(0, 3) AS STRING) AS zero FROM t WHERE a = 1;
