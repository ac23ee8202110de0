-- Kommentar mit Umlauten: äöü, и кириллица, 日本語
CREATE TABLE `größe` (`naïve` STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT `naïve` AS `столбец`, 'ü' || `naïve` AS `列`, U&'\00fc\4e2d' AS esc, `naïve` = 'ß' AS eq, _UTF8'x' AS u8 FROM `größe`;
