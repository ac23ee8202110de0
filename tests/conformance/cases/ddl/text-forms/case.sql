SELECT 'it''s' AS a, U&'\00e9\4f60' AS b, U&'!0041' UESCAPE '!' AS c, X'0aFF' AS d, _UTF16'u' AS e, 'two
lines' AS f, '' AS g;
