CREATE TABLE t (a INT, b STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT /*+ FASTER('t' = '1') */ a FROM t;
