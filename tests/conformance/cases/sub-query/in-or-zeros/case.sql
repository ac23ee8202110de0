CREATE TABLE l (id INT, k DOUBLE, v STRING) WITH ('connector' = 'case', 'input' = 'l.jsonl');
CREATE TABLE r (id INT, k DOUBLE, w STRING) WITH ('connector' = 'case', 'input' = 'r.jsonl');
SELECT id FROM l WHERE k IN (SELECT k FROM r WHERE k IS NOT NULL) OR v = 'x';
