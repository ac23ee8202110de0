CREATE TABLE f (id INT, d DECIMAL(6, 2), t DATE, b BOOLEAN, x DOUBLE, tm TIMESTAMP(3), proc AS PROCTIME()) WITH ('connector' = 'case', 'input' = 'facts.jsonl');
CREATE TABLE dim (d DECIMAL(6, 2), t DATE, b BOOLEAN, x DOUBLE, tm TIMESTAMP(3), name STRING) WITH ('connector' = 'case', 'input' = 'dim.jsonl', 'lookup' = 'true');
SELECT f.id, d1.name AS n1, d2.name AS n2, d3.name AS n3, d4.name AS n4, d5.name AS n5
FROM f LEFT JOIN dim FOR SYSTEM_TIME AS OF f.proc AS d1 ON f.d = d1.d
LEFT JOIN dim FOR SYSTEM_TIME AS OF f.proc AS d2 ON f.t = d2.t
LEFT JOIN dim FOR SYSTEM_TIME AS OF f.proc AS d3 ON f.b = d3.b AND d3.name = 'one'
LEFT JOIN dim FOR SYSTEM_TIME AS OF f.proc AS d4 ON f.x = d4.x
LEFT JOIN dim FOR SYSTEM_TIME AS OF f.proc AS d5 ON f.tm = d5.tm;
