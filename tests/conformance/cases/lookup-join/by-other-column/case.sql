CREATE TABLE f (id INT, k STRING, n INT, b BIGINT, ts TIMESTAMP(3), proc AS PROCTIME(), WATERMARK FOR ts AS ts)
WITH ('connector' = 'case', 'input' = '../../../inputs/lookup-facts.jsonl');
CREATE TABLE dim (code INT, k STRING, name STRING, PRIMARY KEY (code) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'dim.jsonl', 'lookup' = 'true');
SELECT f.id, d.code, d.name FROM f LEFT JOIN dim FOR SYSTEM_TIME AS OF f.proc AS d ON f.k = d.k;
