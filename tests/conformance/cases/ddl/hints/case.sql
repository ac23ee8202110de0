CREATE TABLE t (a INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT a FROM t /*+ OPTIONS('input' = 'other.jsonl') */ /* not a hint */ WHERE a > 1;
