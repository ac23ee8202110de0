CREATE TABLE base (a INT, o BIGINT METADATA FROM 'offset' VIRTUAL, c AS a * 2) WITH ('connector' = 'case', 'input' = 'in.jsonl');
CREATE TABLE plain (z AS a - 1) WITH ('connector' = 'case', 'input' = 'in.jsonl') LIKE base (EXCLUDING ALL);
CREATE TABLE t (p INT METADATA FROM 'partition', n AS a + p) LIKE base;
SELECT a, o, c, n FROM t UNION ALL SELECT a, CAST(NULL AS BIGINT), z, 0 FROM plain;
