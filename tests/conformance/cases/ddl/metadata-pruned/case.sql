CREATE TABLE t (
  `timestamp` STRING,
  `offset` BIGINT NOT NULL METADATA VIRTUAL,
  `partition` INT METADATA,
  at_time TIMESTAMP(3) METADATA FROM 'timestamp'
) WITH ('connector' = 'case', 'input' = 'in.jsonl', 'splits' = '2');
CREATE VIEW v AS SELECT `offset` * 10 AS o, `partition` AS p, `timestamp` AS name FROM t;
SELECT name, o FROM v WHERE p = 0;
