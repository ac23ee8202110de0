SELECT 1, 1.5, .5e3, 1E-3, 1., 007, NULL, TRUE, false, UNKNOWN
----
SELECT 'it''s', N'abc', _UTF16'abc', U&'\0041\\', U&'!d83d!de00' UESCAPE '!', X'0aFF', x''
----
SELECT 'one '
  'text' AS t -- a comment
  , /* another */ 'é😀' // and one more
----
SELECT DATE '2024-01-31', TIME '12:00:00', TIMESTAMP '2024-01-31 12:00:00.123'
----
SELECT INTERVAL '5' MINUTE, INTERVAL -'1' DAY, INTERVAL '-1' DAY, INTERVAL +'1-6' YEAR(4) TO MONTH, INTERVAL '1 12:00:00.5' DAY(2) TO SECOND(3), INTERVAL '3' DAYS
----
SELECT CURRENT_DATE, CURRENT_TIMESTAMP, LOCALTIME, CURRENT_ROW_TIMESTAMP(), NOW(), CURRENT_TIMESTAMP(3)
----
SELECT `select`, `a``b`, $x, _y, größe, 列
