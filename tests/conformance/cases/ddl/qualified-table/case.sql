CREATE TABLE default_database.t (a INT, b STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
CREATE VIEW `default_catalog`.default_database.v AS SELECT a FROM default_catalog.default_database.t;
SELECT v.a, default_database.v.a + 1 AS n FROM default_database.v;
