CREATE TABLE t (id INT, a ARRAY<INT>) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT e, COUNT(*) AS n FROM t CROSS JOIN UNNEST(a) AS u (e) GROUP BY e;
