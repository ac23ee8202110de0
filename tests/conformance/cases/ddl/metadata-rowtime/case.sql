CREATE TABLE t (
  p STRING METADATA FROM 'partition' VIRTUAL,
  `timestamp` STRING,
  o INT METADATA FROM 'offset',
  ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
  po AS p || '/' || CAST(o + 1 AS STRING),
  WATERMARK FOR ts AS ts
) WITH ('connector' = 'case', 'input' = 'in.jsonl', 'splits' = '2');
SELECT window_start, COUNT(*) AS n, COUNT(`timestamp`) AS named, MIN(po) AS first_po, MAX(o) AS last_o
FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND))
GROUP BY window_start, window_end;
