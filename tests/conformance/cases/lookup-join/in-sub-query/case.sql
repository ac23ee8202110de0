CREATE TABLE f (id INT, k STRING, n INT, b BIGINT, ts TIMESTAMP(3), proc AS PROCTIME(), WATERMARK FOR ts AS ts)
WITH ('connector' = 'case', 'input' = '../../../inputs/lookup-facts.jsonl');
CREATE TABLE dim (k STRING, name STRING, price DECIMAL(10, 2), kind STRING, since TIMESTAMP_LTZ(3), tags ARRAY<STRING>)
WITH ('connector' = 'case', 'input' = '../../../inputs/lookup-dim.jsonl', 'lookup' = 'true');
SELECT id, k FROM f WHERE k IN (SELECT f2.k FROM f AS f2 JOIN dim FOR SYSTEM_TIME AS OF f2.proc AS d ON f2.k = d.k);
