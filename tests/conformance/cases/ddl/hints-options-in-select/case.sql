CREATE TABLE t (a INT, b STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT /*+ OPTIONS('input' = 'other.jsonl') */ a FROM t;
