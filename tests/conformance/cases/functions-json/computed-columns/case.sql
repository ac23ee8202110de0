CREATE TABLE t (
  j STRING,
  usr AS JSON_VALUE(j, '$.user.name'),
  amount AS CAST(JSON_VALUE(j, '$.amount') AS DECIMAL(20, 4)),
  big AS CAST(JSON_VALUE(j, '$.big') AS BIGINT),
  ts AS TO_TIMESTAMP(JSON_VALUE(j, '$.ts')),
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT window_start, usr, SUM(amount) AS f1, MAX(big) AS f2, COUNT(*) AS f3, JSON_ARRAYAGG(JSON_VALUE(j, '$.tags[0]')) AS f4
FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))
WHERE j IS JSON OBJECT AND JSON_EXISTS(j, 'lax $.ts')
GROUP BY window_start, window_end, usr;
