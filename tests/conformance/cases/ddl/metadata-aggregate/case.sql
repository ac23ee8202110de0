CREATE TABLE t (
  `timestamp` STRING,
  p INT METADATA FROM 'partition' VIRTUAL,
  `offset` BIGINT METADATA VIRTUAL
) WITH ('connector' = 'case', 'input' = 'in.jsonl', 'splits' = '2');
SELECT p, MAX(`offset`) AS last_offset, COUNT(*) AS n FROM t GROUP BY p
UNION ALL
SELECT 100 + p, `offset`, 1 FROM t WHERE `timestamp` = 'd';
