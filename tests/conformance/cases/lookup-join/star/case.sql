CREATE TABLE f (id INT, k STRING, n INT, b BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'case', 'input' = '../../../inputs/lookup-facts.jsonl');
CREATE TABLE dim (k STRING, n INT, name STRING, price DECIMAL(10, 2), kind STRING, since TIMESTAMP_LTZ(3), tags ARRAY<STRING>)
WITH ('connector' = 'case', 'input' = '../../../inputs/lookup-dim.jsonl', 'lookup' = 'true');
SELECT * FROM (SELECT * , PROCTIME() AS p FROM (SELECT id, k FROM f)) AS f JOIN dim FOR SYSTEM_TIME AS OF f.p AS d ON d.k = f.k WHERE f.p IS NOT NULL AND f.id < 0;
