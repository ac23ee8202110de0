CREATE TABLE t (a INT, A INT) WITH ('connector' = 'case', 'input' = 'in.jsonl');
sElEcT a, A, aBs(a) AS x FrOm t wHeRe a Is NoT nUlL;
