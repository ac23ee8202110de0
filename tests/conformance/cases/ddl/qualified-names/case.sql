CREATE TABLE `my table` (`a.b` INT, `select` STRING, `c` ROW<`d e` INT, f STRING>) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT `t`.`a.b` AS `x.y`, t.`select`, t.c.`d e` AS de, t.`c`.f FROM `default_catalog`.`default_database`.`my table` AS t;
