CREATE TABLE t (
  id INT,
  p INT METADATA FROM 'partition' VIRTUAL,
  `offset` BIGINT METADATA,
  at_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
  late AS at_time > TO_TIMESTAMP_LTZ(1500, 3)
) WITH ('connector' = 'case', 'input' = 'in.jsonl', 'splits' = '2');
SELECT * FROM t;
