CREATE TABLE t (s STRING, i INT, l BIGINT, d DOUBLE, b BOOLEAN, n DECIMAL(10, 2), t TINYINT, dt DATE, ts TIMESTAMP(3)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT PRINTF('%5d|%-5d|%05d|%+d|% d|%,d|%(d', i, i, i, i, i, i, i) AS f1,
  PRINTF('%x|%X|%o|%#x|%#o|%08x', i, i, i, i, i, i) AS f2,
  PRINTF('%f|%.1f|%10.2f|%-10.2f|%+.3f|%,.2f|%010.1f|%(.1f', d, d, d, d, d, d, d, d) AS f3,
  PRINTF('%e|%.2e|%E|%g|%.3g|%G', d, d, d, d, d, d) AS f4
FROM t;
