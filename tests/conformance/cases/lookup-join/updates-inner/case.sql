CREATE TABLE f (id INT, k STRING, n INT, proc AS PROCTIME(), PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'case', 'input' = 'facts.jsonl');
CREATE TABLE dim (k STRING, n INT, name STRING, price DECIMAL(10, 2), kind STRING, since TIMESTAMP_LTZ(3), tags ARRAY<STRING>)
WITH ('connector' = 'case', 'input' = '../../../inputs/lookup-dim.jsonl', 'lookup' = 'true');
SELECT f.id, f.k, d.name FROM f JOIN dim FOR SYSTEM_TIME AS OF f.proc AS d ON f.k = d.k AND d.price > f.n;
