CREATE TABLE base (a INT, b STRING) WITH ('connector' = 'case', 'input' = '../../../inputs/orders.jsonl');
CREATE TABLE t WITH ('input' = 'x.jsonl') LIKE base (INCLUDING OPTIONS);
SELECT * FROM t;
