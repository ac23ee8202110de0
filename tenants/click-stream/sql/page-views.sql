-- Clean clicks as two live tables: visits per page and minute, and what each signed-in user has done so far.
SET 'table.exec.state.ttl' = '1 d';
SET 'execution.checkpointing.interval' = '2 s';

CREATE TABLE clicks (
  user_id STRING NOT NULL,
  domain STRING NOT NULL,
  path STRING NOT NULL,
  event_time TIMESTAMP_LTZ(3) NOT NULL,
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'clean_clicks',
  'format' = 'json',
  'scan.watermark.idle-timeout' = '10 s'
);

CREATE TABLE users (
  user_id STRING,
  clicks BIGINT,
  last_click TIMESTAMP_LTZ(3),
  PRIMARY KEY (user_id) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'user_clicks');

CREATE VIEW signed_in AS SELECT * FROM clicks WHERE user_id <> 'anonymous';

EXECUTE STATEMENT SET BEGIN

INSERT INTO page_minutes
SELECT window_start, window_end, domain, path, COUNT(*), COUNT(DISTINCT user_id)
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, domain, path;

INSERT INTO users
SELECT user_id, COUNT(*), MAX(event_time) FROM signed_in GROUP BY user_id;

END;
