CREATE TABLE t (id INT, s STRING, p STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT id, SPLIT_INDEX(s, p, 0) AS f1,
  SPLIT_INDEX(s, p, 1) AS f2,
  SPLIT_INDEX(s, p, 9) AS f3,
  SPLIT_INDEX(s, p, -1) AS f4,
  SPLIT_INDEX(s, 44, 1) AS f5,
  SPLIT(s, p) AS f6,
  STR_TO_MAP(s) AS f7,
  STR_TO_MAP(s, ',', '=')['k2'] AS f8
FROM t;
