CREATE TABLE `my table` (`select` INT, `Group By` STRING, `a.b` INT, `ÄÖ` STRING, `x``y` INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT `select`, `Group By` AS `Result Name`, `my table`.`a.b` + 1 AS `c.d`, `ÄÖ`, `x``y` FROM `my table`;
