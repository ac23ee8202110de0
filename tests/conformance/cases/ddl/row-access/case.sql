CREATE TABLE t (id INT, r ROW<a INT, b ROW<c STRING, d DOUBLE>>) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, t.r.a, r.b.c AS c, t.r.b.d + 1 AS d1, r.b, r IS NULL AS no_r FROM t;
