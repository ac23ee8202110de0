CREATE TABLE t (a INT, b STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');

SET 'table.exec.state.tl' = '1 d';
SELECT a FROM t;
