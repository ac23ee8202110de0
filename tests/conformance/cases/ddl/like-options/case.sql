CREATE TABLE base (a INT, b STRING, c AS a * 2, ts AS TO_TIMESTAMP('2024-01-01 00:00:00'), WATERMARK FOR ts AS ts, PRIMARY KEY (a) NOT ENFORCED)
WITH ('connector' = 'case', 'input' = 'nowhere.jsonl', 'splits' = '4');
CREATE TABLE t (d AS a + 100, c AS b || '?')
WITH ('connector' = 'case', 'input' = 'in.jsonl')
LIKE base (EXCLUDING OPTIONS EXCLUDING GENERATED EXCLUDING WATERMARKS EXCLUDING CONSTRAINTS);
SELECT * FROM t;
