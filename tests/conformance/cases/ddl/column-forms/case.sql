CREATE TABLE t (
  a INT NOT NULL COMMENT 'the key' ,
  b VARCHAR(3) NULL,
  c CHAR(2),
  d DECIMAL(5),
  e NUMERIC(5, 2),
  f DOUBLE PRECISION,
  g TIMESTAMP WITHOUT TIME ZONE,
  h TIMESTAMP(3) WITH LOCAL TIME ZONE,
  i INT ARRAY,
  j ROW(x INT 'first', y STRING),
  CONSTRAINT pk PRIMARY KEY (a) NOT ENFORCED
) COMMENT 'a table' WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT *, TYPEOF(j) AS tj FROM t;
