CREATE TABLE t (b TINYINT, s SMALLINT, i INT, l BIGINT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT b + b AS bb, s * s AS ss, i + 1 AS i1, i * 2 AS i2, l + 1 AS l1, -i AS ni, i / 7 AS i7, i % 7 AS m7, l / -3 AS l3, b + i AS bi, s - l AS sl
FROM t;
