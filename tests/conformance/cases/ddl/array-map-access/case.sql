CREATE TABLE t (id INT, a ARRAY<INT>, m MAP<STRING, INT>, n ARRAY<ROW<k STRING, v INT>>) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, a[1] AS first_, a[2] AS second_, CARDINALITY(a) AS n_a, m['x'] AS x, m['none'] AS missing, CARDINALITY(m) AS n_m, n[1].k AS nk, n[2].v AS nv, a FROM t;
