-- first
CREATE TABLE t /* here */ (a INT, -- there
  b STRING) WITH ('connector' = 'case', 'input' = 'in.jsonl'); /* between; */
/* many
   lines -- */ SELECT a, ';' AS s, '--' AS d, '/*' AS c /* end */
FROM t -- the last
