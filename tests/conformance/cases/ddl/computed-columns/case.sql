CREATE TABLE t (
  id INT,
  price DECIMAL(8, 2),
  qty INT,
  total AS price * qty,
  label AS UPPER('no ' || CAST(id AS STRING))
) WITH ('connector' = 'case', 'input' = 'in.jsonl');
SELECT * FROM t WHERE total > 10;
