CREATE TABLE f (id INT, k STRING, n INT, b BIGINT, ts TIMESTAMP(3), proc AS PROCTIME(), WATERMARK FOR ts AS ts)
WITH ('connector' = 'case', 'input' = '../../../inputs/lookup-facts.jsonl');
CREATE TABLE dim (big BIGINT, name STRING) WITH ('connector' = 'case', 'input' = 'dim.jsonl', 'lookup' = 'true');
SELECT f.id, d.name FROM f LEFT JOIN dim FOR SYSTEM_TIME AS OF f.proc AS d ON f.n = d.big;
