CREATE TABLE f (id INT, k STRING, n INT, b BIGINT, ts TIMESTAMP(3), proc AS PROCTIME(), WATERMARK FOR ts AS ts)
WITH ('connector' = 'case', 'input' = '../../../inputs/lookup-facts.jsonl');
CREATE TABLE dim (k STRING, n INT, name STRING, price DECIMAL(10, 2), kind STRING, since TIMESTAMP_LTZ(3), tags ARRAY<STRING>)
WITH ('connector' = 'case', 'input' = '../../../inputs/lookup-dim.jsonl', 'lookup' = 'true');
CREATE VIEW v AS SELECT k, UPPER(name) AS name, price + 1 AS more FROM dim WHERE kind = 'x' OR kind IS NULL;
SELECT f.id, d.name, d.more FROM f LEFT JOIN v FOR SYSTEM_TIME AS OF f.proc AS d ON f.k = d.k;
