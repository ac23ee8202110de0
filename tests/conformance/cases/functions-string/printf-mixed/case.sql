CREATE TABLE t (s STRING, i INT, l BIGINT, d DOUBLE, b BOOLEAN, n DECIMAL(10, 2), t TINYINT, dt DATE, ts TIMESTAMP(3)) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT PRINTF('%5d|%-5d|%05d|%+d|% d|%,d|%(d', i, i, i, i, i, i, i) AS f1,
  PRINTF('%x|%X|%o|%#x|%#o|%08x', i, i, i, i, i, i) AS f2,
  PRINTF('%x %d', l, l) AS f3,
  PRINTF('%f|%.1f|%10.2f|%-10.2f|%+.3f|%,.2f|%010.1f|%(.1f', d, d, d, d, d, d, d, d) AS f4,
  PRINTF('%e|%.2e|%E|%g|%.3g|%G', d, d, d, d, d, d) AS f5,
  PRINTF('%s|%10s|%-6s|%.1s|%S|%5.1s', s, s, s, s, s, s) AS f6,
  PRINTF('%s %s %s %s', d, b, n, i) AS f7,
  PRINTF('%b|%B|%10b', b, b, b) AS f8,
  PRINTF('%2$s %1$s %<s', s, i) AS f9,
  PRINTF('%n%%') AS f10,
  PRINTF('%c', i + 65) AS f11,
  PRINTF('%h', i) AS f12,
  PRINTF('%s %d', t, t) AS f13,
  PRINTF('no args') AS f14,
  PRINTF('%s', NULL) AS f15,
  PRINTF('%x', t) AS f16
FROM t WHERE i IS NULL OR i <> 0 AND i >= -1000 AND i < 1000;
