CREATE TABLE t (a INT, b STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT a FROM t /*+ FASTER('t' = '1') */;
