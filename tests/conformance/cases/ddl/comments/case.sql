-- the table; with a semicolon
CREATE TABLE t (
  id INT, -- the id
  s STRING /* the ; text */
) COMMENT 'a table; really' WITH ('connector' = 'case', 'input' = 'in.jsonl');
/* block
   -- over lines */
SELECT id, s, ';--not a comment' AS lit, '/* nor this */' AS lit2 -- the end
FROM t
;
