SET 'table.local-time-zone' = 'Europe/Berlin';
CREATE TABLE t (id INT, n BIGINT, s STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, TO_TIMESTAMP_LTZ(n, 0) AS f1,
  TO_TIMESTAMP_LTZ(n, 3) AS f2,
  TO_TIMESTAMP_LTZ(n) AS f3,
  TO_TIMESTAMP_LTZ(s) AS f4,
  TO_TIMESTAMP_LTZ(s, 'yyyy-MM-dd HH:mm:ss') AS f5,
  TO_TIMESTAMP_LTZ(s, 'yyyy-MM-dd HH:mm:ss', 'Asia/Tokyo') AS f6
FROM t;
